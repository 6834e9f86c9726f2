#!/usr/bin/env bash
# Hosts of a test's own on this machine: each has a network, a host name, processes, mounts, a machine-id, a boot id and an sshd of its own, and all
# share one home directory (/root) by bind mount. Everything lies in the folder that is named, and nothing outside of the namespaces is changed.
#
#   hosts.sh check                     says in one line why it cannot run here; silent where it can
#   hosts.sh up FOLDER NAME...         starts them, joined by a bridge in the first one's network
#   hosts.sh boot FOLDER NAME          starts one that was killed, with another boot id
#   hosts.sh kill FOLDER NAME          the machine loses its power
#   hosts.sh enter FOLDER NAME COMMAND...   runs a command there
#   hosts.sh cable FOLDER NAME up|down      its network, cut and joined again
#   hosts.sh down FOLDER               ends all of them and removes the folder
#
# With HOSTS_KEEP, folders of this machine's joined by colons, below /root too: each host has them as well.
# With HOSTS_OWNER, the pid of a process, `up` leaves one behind that does `down` when that process has ended: a test
# that is killed leaves no namespaces.
set -u
PATH="$PATH:/usr/sbin:/sbin"

fail() {
  echo "hosts: $*" >&2
  exit 1
}

reason() {
  local program lacking=()
  [[ $(uname) == Linux ]] || { echo "namespaces need Linux"; return; }
  for program in ip nsenter unshare mount sshd ssh ssh-keygen; do command -v "$program" >/dev/null || lacking+=("$program"); done
  ((${#lacking[@]} == 0)) || { echo "not on PATH: ${lacking[*]} (Debian and Ubuntu: apt-get install iproute2 openssh-server openssh-client)"; return; }
  [[ $(id -u) == 0 ]] || { echo "only root can make namespaces with a network"; return; }
  [[ -e /etc/machine-id ]] || { echo "there is no /etc/machine-id to put another one over"; return; }
  unshare --net --uts --ipc --pid --fork --mount --mount-proc true 2>/dev/null || echo "no namespaces can be made here"
}

# Runs as the first process of a host, in its namespaces.
inside() {
  local folder=$1 name=$2 at=$1/$2
  mount --make-rprivate /
  hostname "$name"
  local kept number=0
  local -a keep
  IFS=: read -ra keep <<<"${HOSTS_KEEP-}"
  # out of the way of what is mounted over it
  for kept in ${keep[@]+"${keep[@]}"}; do mkdir -p "$at/kept$((++number))" && mount --bind "$kept" "$at/kept$number"; done
  mount --bind "$folder/root" /root
  number=0
  for kept in ${keep[@]+"${keep[@]}"}; do mkdir -p "$kept" && mount --bind "$at/kept$((++number))" "$kept"; done
  mount --bind "$folder/hosts" /etc/hosts
  mount --bind "$at/vartmp" /var/tmp
  mount --bind "$at/machine-id" /etc/machine-id
  mount --bind "$at/boot-id" /proc/sys/kernel/random/boot_id
  mount -t tmpfs tmpfs /dev/shm
  mount -t tmpfs tmpfs /run
  mkdir -m 755 /run/sshd
  mkdir -p -m 700 /run/user/0
  "$(command -v sshd)" -f "$at/sshd_config" -E "$at/sshd.log"
  echo up >"$at/ready"
  while :; do sleep 3600 & wait; done
}

boot() {
  local folder=$1 name=$2 at=$1/$2
  cat /proc/sys/kernel/random/uuid >"$at/boot-id"
  rm -f "$at/ready"
  nsenter --net="/run/netns/$(cat "$at/netns")" unshare --uts --ipc --pid --fork --kill-child --mount --mount-proc "$0" inside "$folder" "$name" \
    </dev/null >"$at/log" 2>&1 &
  echo $! >"$at/outer"
  for _ in $(seq 200); do
    [[ -e $at/ready ]] && break
    sleep 0.05
  done
  [[ -e $at/ready ]] || fail "$name did not start: $(cat "$at/log")"
  # the first process of its namespace
  cat "/proc/$(cat "$at/outer")/task/$(cat "$at/outer")/children" | tr -d ' ' >"$at/pid"
}

up() {
  local folder=$1 tag number=1 name first=$2 at
  shift
  tag=$(basename "$folder" | tr -dc 'A-Za-z0-9' | tail -c 8)
  local person=$folder/root
  mkdir -p "$person/.ssh"
  chmod 700 "$person" "$person/.ssh"
  ssh-keygen -q -t ed25519 -N '' -f "$person/.ssh/id_ed25519"
  cp "$person/.ssh/id_ed25519.pub" "$person/.ssh/authorized_keys"
  echo "127.0.0.1 localhost" >"$folder/hosts"
  for name in "$@"; do
    at=$folder/$name
    mkdir -p "$at/vartmp"
    chmod 1777 "$at/vartmp"
    tr -d - </proc/sys/kernel/random/uuid >"$at/machine-id"
    echo "fs-$tag-$number" >"$at/netns"
    echo "10.77.0.$number $name" >>"$folder/hosts"
    ssh-keygen -q -t ed25519 -N '' -f "$at/key"
    echo "$name,10.77.0.$number $(cut -d' ' -f1,2 "$at/key.pub")" >>"$person/.ssh/known_hosts"
    cat >"$at/sshd_config" <<END
HostKey $at/key
PidFile $at/sshd.pid
AuthorizedKeysFile .ssh/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
StrictModes no
SetEnv PATH=$folder/bin:$PATH
END
    number=$((number + 1))
  done
  mkdir -p "$folder/bin"
  number=1
  for name in "$@"; do
    local netns=fs-$tag-$number
    ip netns add "$netns"
    ip -n "$netns" link set lo up
    if ((number == 1)); then
      ip -n "$netns" link add br0 type bridge
      ip -n "$netns" addr add "10.77.0.1/24" dev br0
      ip -n "$netns" link set br0 up
    else
      ip -n "fs-$tag-1" link add "v$number" type veth peer name eth0 netns "$netns"
      ip -n "fs-$tag-1" link set "v$number" master br0 up
      ip -n "$netns" addr add "10.77.0.$number/24" dev eth0
      ip -n "$netns" link set eth0 up
    fi
    number=$((number + 1))
    boot "$folder" "$name"
  done
}

kill_host() {
  local at=$1/$2
  [[ -s $at/pid ]] && kill -9 "$(cat "$at/pid")" 2>/dev/null
  while [[ -s $at/pid && -d /proc/$(cat "$at/pid") ]]; do sleep 0.02; done
  rm -f "$at/pid"
}

down() {
  local at
  for at in "$1"/*/netns; do
    at=$(dirname "$at")
    kill_host "$1" "$(basename "$at")"
    ip netns del "$(cat "$at/netns")"
  done
  rm -rf "$1"
}

# Waits for the owner's end, or for who took the hosts down before.
keep() {
  while [[ -d $1 ]] && kill -0 "$2" 2>/dev/null; do sleep 0.5; done
  [[ ! -d $1 ]] || down "$1"
}

case ${1-} in
check) reason_text=$(reason); [[ -z $reason_text ]] || { echo "$reason_text"; exit 1; } ;;
up)
  shift
  # before the first host, so that nothing stays when the owner is killed meanwhile
  if [[ -n ${HOSTS_OWNER-} ]]; then setsid "$0" keep "$1" "$HOSTS_OWNER" </dev/null >/dev/null 2>&1 & fi
  up "$@"
  ;;
keep) keep "$2" "$3" ;;
boot) boot "$2" "$3" ;;
kill) kill_host "$2" "$3" ;;
inside) inside "$2" "$3" ;;
enter)
  at=$2/$3
  shift 3
  exec nsenter -t "$(cat "$at/pid")" --net --uts --ipc --pid --mount -- "$@"
  ;;
cable) ip -n "$(cat "$2/$3/netns")" link set eth0 "$4" ;;
down) down "$2" ;;
*) fail "check | up FOLDER NAME... | boot FOLDER NAME | kill FOLDER NAME | enter FOLDER NAME COMMAND... | cable FOLDER NAME up|down | down FOLDER" ;;
esac
