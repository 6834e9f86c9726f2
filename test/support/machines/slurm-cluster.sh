#!/usr/bin/env bash
# A real Slurm of two nodes on this machine, for the tests of batch jobs and for a person who wants to try them on a laptop.
# Everything lies in the folder that is named: configuration, state, logs. Nothing is installed, no file elsewhere is changed, the
# machine's own Slurm (if there is one) is not asked. `down` ends what `up` started and removes the folder.
#
#   slurm-cluster.sh check [cgroup|linuxproc]      says in one line why it cannot run here, and fails; silent where it can
#   slurm-cluster.sh check accounting              the same of its accounting
#   slurm-cluster.sh up FOLDER [cgroup|linuxproc] [apart] [accounting] [NAME=VALUE...]
#                                                  starts it; prints lines for `eval`: SLURM_CONF, SLURM_NODE_A, SLURM_NODE_B
#                                                  apart: each node is a machine by its name and ids; NAME=VALUE: lines of slurm.conf
#                                                  accounting: with a slurmdbd and its database, so that sacct knows the jobs
#   slurm-cluster.sh node FOLDER up|kill NODE      starts the node's slurmd (again), or kills it with SIGKILL
#   slurm-cluster.sh down FOLDER
#
#   eval "$(test/support/machines/slurm-cluster.sh up /tmp/my-slurm)"; sinfo; sbatch --wrap 'sleep 60'; squeue
#
# Needs slurmctld, slurmd (built with support for many on one host, as Debian's is) and the client commands; with `cgroup` (the default)
# it has to be root, and the freezer of cgroup v1 or a writable cgroup v2 has to be there. Accounts and passwords play no part: whoever
# reaches the ports on 127.0.0.1 is believed (auth/none), so this is for a machine of your own.
# Partitions: `main`, and `urgent`, whose jobs preempt those of `main` (they are requeued). A requeued job comes back after some seconds
# instead of the usual two minutes. `linuxproc` signals a job's processes by their parents, as clusters without control groups do.
# With `apart` a node's daemon and its jobs see another host name, machine-id and boot id (unshare), so that for falcon they are machines of their own
# that share all file systems. `accounting` needs slurmdbd and MariaDB's server, which is started with a data folder of this
# cluster's own.
set -u
PATH="$PATH:/usr/sbin:/sbin"

fail() {
  echo "slurm-cluster: $*" >&2
  exit 1
}

# Which hierarchy of control groups Slurm is to use: v1 or v2; empty where there is none for us.
cgroup_version() {
  if [[ -w /sys/fs/cgroup/freezer/cgroup.procs ]]; then echo v1
  elif [[ -w /sys/fs/cgroup/cgroup.procs && -e /sys/fs/cgroup/cgroup.controllers ]]; then echo v2; fi
}

# Why it cannot run here; silent where it can.
reason() {
  local program lacking=()
  if [[ $1 == accounting ]]; then
    for program in slurmdbd sacct sacctmgr mariadbd mariadb-install-db mariadb; do
      command -v "$program" >/dev/null || lacking+=("$program")
    done
    ((${#lacking[@]} == 0)) || echo "not on PATH: ${lacking[*]} (Debian and Ubuntu: apt-get install slurmdbd mariadb-server)"
    return
  fi
  [[ $(uname) == Linux ]] || { echo "Slurm's daemons need Linux"; return; }
  for program in slurmctld slurmd sbatch squeue scontrol scancel; do command -v "$program" >/dev/null || lacking+=("$program"); done
  ((${#lacking[@]} == 0)) || { echo "not on PATH: ${lacking[*]} (Debian and Ubuntu: apt-get install slurm-wlm)"; return; }
  [[ $1 == linuxproc ]] && return
  [[ $(id -u) == 0 ]] || { echo "only root can make control groups"; return; }
  [[ -n $(cgroup_version) ]] || echo "there are no control groups that can be written"
}

free_ports() { # the first of five neighbouring ports that nobody listens on: controller, two nodes, accounting, its database
  local first port taken
  for ((first = 16900 + ($$ % 3000) * 5; first < 32000; first += 5)); do
    taken=
    for ((port = first; port < first + 5; port++)); do (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && taken=1; done
    [[ -z $taken ]] && { echo "$first"; return; }
  done
  fail "no free ports on 127.0.0.1"
}

write_configuration() { # FOLDER PROCTRACK PORT SETTING...: nodes are named for the port, since control groups are named for the nodes
  local folder=$1 kind=$2 port=$3 host user
  shift 3
  host=$(hostname -s)
  user=$(id -un)
  # sched_interval: a job starts within two seconds; cred_expire: a requeued job may start after so many seconds
  cat >"$folder/slurm.conf" <<END
ClusterName=test$port
# jobs of clusters side by side have numbers of their own: a job is known by its number in the control groups
FirstJobId=$((port * 10))
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/none
CredType=cred/none
AuthInfo=cred_expire=5
SlurmctldPort=$port
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool-%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd-%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd-%n.log
ProctrackType=proctrack/$kind
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
KillWait=5
SlurmdTimeout=10
SlurmdParameters=config_overrides
MinJobAge=600
InactiveLimit=0
NodeName=a$port NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=4 State=UNKNOWN
NodeName=b$port NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=4 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverTimeLimit=0 PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP OverTimeLimit=0 PriorityTier=10
END
  local setting
  for setting in "$@"; do
    sed -i "/^${setting%%=*}=/d" "$folder/slurm.conf"
    echo "$setting" >>"$folder/slurm.conf"
  done
  if [[ $kind == cgroup ]]; then
    printf 'CgroupPlugin=cgroup/%s\nCgroupMountpoint=/sys/fs/cgroup\nCgroupAutomount=no\n' "$(cgroup_version)"
    # where no systemd made it, slurmd does not make this group that it puts its own into
    [[ $(cgroup_version) == v1 ]] || { mkdir -p /sys/fs/cgroup/system.slice; echo IgnoreSystemd=yes; }
  fi >"$folder/cgroup.conf"
}

# The group of its own that each daemon gets, so that a Ctrl+C at a person's terminal does not reach it.
daemon() { setsid "$@" </dev/null >/dev/null 2>&1 || fail "$1 does not start; see ${SLURM_CONF%/*}/*.log"; }

# In namespaces of its own becomes the command, on what looks like another machine.
apart() { # FOLDER NODE COMMAND...
  local at=$1/machine-$2
  [[ -e $at ]] || { tr -d - </proc/sys/kernel/random/uuid >"$at" && cat /proc/sys/kernel/random/uuid >"$at-boot"; } || exit 1
  hostname "$2" && mount --bind "$at" /etc/machine-id && mount --bind "$at-boot" /proc/sys/kernel/random/boot_id || exit 1
  exec "${@:3}"
}

# A node's daemon; -c: without what it knew before.
node_daemon() { # FOLDER NODE [-c]
  local own=()
  [[ -e $1/apart ]] && own=(unshare --uts --mount "$0" apart "$1" "$2")
  daemon "${own[@]}" slurmd ${3:-} -f "$SLURM_CONF" -N "$2"
}

# Waits until the command succeeds, for 30 seconds.
await() {
  local first
  for ((first = SECONDS; SECONDS < first + 30; )); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.2
  done
  return 1
}

# slurmdbd and its database, before the controller starts, which tells it of itself.
accounting() { # FOLDER PORT
  local folder=$1 port=$2 user
  user=$(id -un)
  mariadb-install-db --no-defaults --datadir="$folder/database" --user="$user" --skip-test-db \
    --auth-root-authentication-method=normal >"$folder/mariadb-install.log" 2>&1 ||
    fail "mariadb-install-db failed; see $folder/mariadb-install.log"
  setsid mariadbd --no-defaults --user="$user" --datadir="$folder/database" \
    --socket="$folder/mariadb.sock" --pid-file="$folder/mariadb.pid" \
    --bind-address=127.0.0.1 --port=$((port + 4)) --innodb-buffer-pool-size=8M </dev/null >"$folder/mariadb.log" 2>&1 &
  local ask=(mariadb --no-defaults --socket="$folder/mariadb.sock" --user=root)
  await "${ask[@]}" -e 'select 1' || fail "the database does not answer; see $folder/mariadb.log"
  "${ask[@]}" -e "create user slurm@'127.0.0.1'; grant all on slurm_acct_db.* to slurm@'127.0.0.1'" ||
    fail "the database has no user"
  (umask 077 && cat >"$folder/slurmdbd.conf") <<END
AuthType=auth/none
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=$((port + 3))
SlurmUser=$user
LogFile=$folder/slurmdbd.log
PidFile=$folder/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$((port + 4))
StorageUser=slurm
END
  SLURM_CONF="$folder/slurmdbd.conf" daemon slurmdbd
  await sacctmgr --immediate add cluster "test$port" || fail "slurmdbd does not answer; see $folder/slurmdbd.log"
}

up() {
  local folder=$1 kind=$2 why port first apart='' accounting=''
  shift 2
  if [[ ${1:-} == apart ]]; then apart=1 && shift; fi
  if [[ ${1:-} == accounting ]]; then accounting=1 && shift; fi
  [[ -z $apart || $(id -u) == 0 ]] || fail "only root can give a node a host name of its own"
  [[ $kind == cgroup || $kind == linuxproc ]] || fail "'$kind' is neither cgroup nor linuxproc"
  why=$(reason "$kind")
  [[ -n $why || -z $accounting ]] || why=$(reason accounting)
  [[ -z $why ]] || fail "$why"
  [[ ! -e $folder/slurm.conf ]] || fail "$folder has a cluster already: slurm-cluster.sh down $folder"
  mkdir -p "$folder/state" || exit 1
  folder=$(cd "$folder" && pwd -P)
  port=$(free_ports) || exit 1
  [[ -z $accounting ]] || set -- AccountingStorageType=accounting_storage/slurmdbd AccountingStorageHost=127.0.0.1 \
    AccountingStoragePort=$((port + 3)) "$@"
  write_configuration "$folder" "$kind" "$port" "$@"
  [[ -z $apart ]] || touch "$folder/apart"
  export SLURM_CONF="$folder/slurm.conf"
  [[ -z $accounting ]] || accounting "$folder" "$port"
  daemon slurmctld -c -f "$SLURM_CONF"
  node_daemon "$folder" "a$port" -c
  node_daemon "$folder" "b$port" -c
  for ((first = SECONDS; SECONDS < first + 30; )); do
    if [[ $(timeout 5 sinfo -h -N -p main -t idle -o %N 2>/dev/null | wc -l) == 2 ]]; then
      printf 'export SLURM_CONF=%q SLURM_NODE_A=%q SLURM_NODE_B=%q\n' "$SLURM_CONF" "a$port" "b$port"
      return
    fi
    sleep 0.2
  done
  tail -n 5 "$folder"/*.log >&2
  down "$folder"
  fail "the nodes were not idle within 30 s"
}

# Whether it runs: a zombie that waits for a slow init does not.
running() { [[ -e /proc/$1/stat ]] && ! grep -qs '^State:.Z' "/proc/$1/status"; }

# Ends the process of a pid file, and waits until it is gone.
end() { # FILE SIGNAL
  local pid i
  pid=$(cat "$1" 2>/dev/null) || return 0
  kill "-$2" "$pid" 2>/dev/null
  for ((i = 0; i < 50; i++)); do
    running "$pid" || return 0
    sleep 0.1
  done
}

# The processes of this cluster's jobs: Slurm gives each of them its configuration and the number of its job. And the step managers,
# which have the log of their node open.
job_processes() { # FOLDER
  local process name
  for process in /proc/[0-9]*; do
    # a thread of the kernel has no program
    [[ -e $process/exe ]] && running "${process#/proc/}" && read -r name 2>/dev/null <"$process/comm" || continue
    if [[ $name == slurmstepd ]]; then
      readlink "$process"/fd/* 2>/dev/null | grep -qF "$1/slurmd-" && echo "${process#/proc/}"
    else
      tr '\0' '\n' 2>/dev/null <"$process/environ" | awk -v conf="SLURM_CONF=$1/slurm.conf" '$0 == conf { ours = 1 } /^SLURM_JOB_ID=/ { job = 1 }
        END { exit !(ours && job) }' && echo "${process#/proc/}"
    fi
  done
}

# The control groups of this cluster's nodes, innermost first.
groups() { # PORT
  local top
  for top in /sys/fs/cgroup/*/slurm_[ab]"$1" /sys/fs/cgroup/slurm_[ab]"$1" /sys/fs/cgroup/*/[ab]"$1"_slurmstepd.scope /sys/fs/cgroup/system.slice/[ab]"$1"_slurmstepd.scope; do
    [[ -d $top ]] && find "$top" -depth -type d
  done
}

down() {
  local folder=$1 port group pid i
  [[ -e $folder/slurm.conf ]] || fail "there is no cluster in $folder"
  folder=$(cd "$folder" && pwd -P)
  export SLURM_CONF="$folder/slurm.conf"
  port=$(sed -n 's/^SlurmctldPort=//p' "$SLURM_CONF")
  [[ -n $port ]] || fail "$SLURM_CONF names no port"
  # without a word to the jobs: all goes
  end "$folder/slurmctld.pid" KILL
  end "$folder/slurmdbd.pid" KILL
  end "$folder/mariadb.pid" KILL
  for node in a b; do end "$folder/slurmd-$node$port.pid" KILL; done
  for ((i = 0; i < 50; i++)); do
    local left=()
    mapfile -t left < <({ job_processes "$folder"; for group in $(groups "$port"); do cat "$group/cgroup.procs" 2>/dev/null; done; } | sort -u)
    ((${#left[@]} == 0)) && break
    for pid in "${left[@]}"; do kill -KILL "$pid" 2>/dev/null; done
    sleep 0.1
  done
  for group in $(groups "$port"); do rmdir "$group" 2>/dev/null; done
  rm -rf "$folder"
}

node() { # FOLDER up|kill NODE
  export SLURM_CONF="$1/slurm.conf"
  [[ -e $SLURM_CONF ]] || fail "there is no cluster in $1"
  grep -q "^NodeName=$3 " "$SLURM_CONF" || fail "the cluster in $1 has no node $3"
  case $2 in
    up) node_daemon "$1" "$3" ;;
    kill) end "$1/slurmd-$3.pid" KILL ;;
    *) fail "'$2' is neither up nor kill" ;;
  esac
}

case "${1:-} $#" in
  "check 1" | "check 2")
    why=$(reason "${2:-cgroup}")
    [[ -z $why ]] || { echo "$why"; exit 1; }
    ;;
  "up "*)
    [[ -n ${2:-} ]] || fail "up needs a folder"
    up "$2" "${3:-cgroup}" "${@:4}"
    ;;
  "apart "*) apart "${@:2}" ;;
  "node 4") node "$2" "$3" "$4" ;;
  "down 2") down "$2" ;;
  *)
    sed -n '2,/^set -u/{/^set -u/d;s/^# \{0,1\}//;p}' "$0" >&2
    exit 2
    ;;
esac
