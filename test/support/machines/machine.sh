#!/usr/bin/env bash
# Another kernel for one command, for what this machine's own cannot show: control groups of version 2 alone, a real NFS server.
# It is User-Mode Linux (Debian: user-mode-linux), a program of its user's, over this machine's files, which the command
# sees as they are; /tmp, /run and /dev/shm are its own.
#
#   machine.sh check                 says in one line why it cannot run here, and fails; silent where it can
#   machine.sh run COMMAND [ARG...]  boots in a second, runs the command as root in the current folder, ends with its status
#
# FALCON_MACHINE_MEMORY: MiB, 1024. FALCON_MACHINE_LIMIT: the longest run (s), 300. FALCON_MACHINE_MODULES: modules of
# its kernel that the command needs ("nfsv4").
set -u
readonly memory=${FALCON_MACHINE_MEMORY:-1024}

fail() {
  echo "machine: $*" >&2
  exit 125
}

reason() {
  [[ $(uname -sm) == "Linux x86_64" ]] || { echo "its kernel is for Linux on x86_64"; return; }
  [[ $(id -u) == 0 ]] || { echo "only root has files that its root may use"; return; }
  command -v linux.uml >/dev/null ||
    { echo "linux.uml is not on PATH (Debian and Ubuntu: apt-get install user-mode-linux)"; return; }
  [[ -n $(memory_folder) ]] ||
    echo "no folder of /dev/shm, /tmp and /var/tmp has $memory MiB for its memory and may hold programs"
}

# Where the file lies that is its memory, which it maps to run.
memory_folder() {
  local folder
  for folder in /dev/shm /tmp /var/tmp; do
    [[ $(findmnt -nT "$folder" -o OPTIONS) != *noexec* && $(df -m --output=avail "$folder" | tail -n 1) -gt $memory ]] || continue
    echo "$folder"
    return
  done
}

# The files of these modules and of all that they need, in the order of loading.
module_files() { # NAME...
  local folder name file
  folder=$(echo /usr/lib/uml/modules/*)
  for name in "$@"; do
    # a line of modules.dep: a module and what it needs, what is needed by others last
    sed -n "s#^\(kernel/.*/$name.ko\): *\(.*\)#\1 \2#p" "$folder/modules.dep" | tr ' ' '\n' | sed '/^$/d' | tac
  done | awk '!seen[$0]++' | while read -r file; do echo "$folder/$file"; done
}

run() {
  local why work command
  why=$(reason)
  [[ -z $why ]] || fail "$why"
  work=$(mktemp -d /tmp/fs-machine-XXXXXX) || exit 125
  trap 'rm -rf "$work"' EXIT
  printf -v command '%q ' "$@"
  cat >"$work/init" <<END
#!/bin/bash
cd /
mount -t proc proc /proc; mount -t sysfs sys /sys
export PATH=$(printf %q "$PATH:/usr/sbin:/sbin") HOME=$(printf %q "$HOME") LANG=C.UTF-8
mount -t tmpfs -o mode=755 run /run; mkdir /run/result
mount -t hostfs result /run/result -o $work
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t tmpfs -o mode=755 dev /dev 2>/dev/null; mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts; mount -t tmpfs -o mode=1777 shm /dev/shm; mount -t devpts -o gid=5,mode=620,ptmxmode=666 pts /dev/pts
ln -s /proc/self/fd /dev/fd; ln -s fd/0 /dev/stdin; ln -s fd/1 /dev/stdout; ln -s fd/2 /dev/stderr
mount -t cgroup2 cgroup /sys/fs/cgroup
for module in $(module_files ${FALCON_MACHINE_MODULES:-} | tr '\n' ' '); do
  insmod "\$module" || echo "machine: \$module is not loaded" >>/run/result/output
done
# an address that is not of the loopback: getaddrinfo's AI_ADDRCONFIG finds nothing without one
hostname falcon-machine; ip link set lo up; ip address add 192.0.2.1/32 dev lo
cd $(printf %q "$PWD")
setsid --wait $command </dev/null >>/run/result/output 2>&1
echo \$? >/run/result/status
echo o >/proc/sysrq-trigger
sleep 60
END
  chmod +x "$work/init"
  : >"$work/output"
  TMPDIR=$(memory_folder) timeout --kill-after=5 "${FALCON_MACHINE_LIMIT:-300}" \
    linux.uml "mem=${memory}M" root=/dev/root rootfstype=hostfs \
    hostfs=/ rw "init=$work/init" "uml_dir=$work/uml" con=null con0=null,fd:1 quiet </dev/null >"$work/console" 2>&1 &
  # it reads once more after that process has ended
  tail -n +1 -f --pid=$! "$work/output"
  [[ -s $work/status ]] || { tail -n 20 "$work/console" >&2; fail "it ended without the command's status"; }
  exit "$(cat "$work/status")"
}

case "${1:-}" in
  check)
    why=$(reason)
    [[ -z $why ]] || { echo "$why"; exit 1; }
    ;;
  run)
    shift
    (($# > 0)) || fail "run what?"
    run "$@"
    ;;
  *)
    sed -n '2,/^set -u/{/^set -u/d;s/^# \{0,1\}//;p}' "$0" >&2
    exit 2
    ;;
esac
