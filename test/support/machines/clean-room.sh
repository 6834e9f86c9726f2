#!/usr/bin/env bash
# A clean room: an old Debian with Python, without a compiler, without Node and without any network, in a cache outside the clone.
#     clean-room.sh make                      makes the room where there is none (a minute or two, once), and prints its folder, or why there is none
#     clean-room.sh in ROOM FOLDER COMMAND... runs a command there; of this machine it sees FOLDER alone, at its own path, and can write nowhere else
# Mounts and network belong to the command's own namespaces, and end with its last process.
set -eu
# The oldest release that Debian's mirrors still have: glibc 2.31.
readonly release=bullseye
room="${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/falcon-sessions-ci/room-$release"

make_room() {
  if [[ $(uname -s) != Linux ]]; then echo "for Linux" && exit 1; fi
  if [[ $(id -u) != 0 ]]; then echo "only root can make a clean room" && exit 1; fi
  if ! unshare --mount --net true 2>/dev/null; then echo "this machine allows no namespaces of its own" && exit 1; fi
  mkdir -p "$(dirname "$room")"
  # two files of tests ask for it at once, and each would remove what the other makes
  exec 9>"$room.lock"
  flock 9
  if [[ ! -e $room/complete ]]; then
    if ! command -v debootstrap >/dev/null; then echo "debootstrap is not here (Debian: debootstrap)" && exit 1; fi
    rm -rf "$room"
    mkdir -p "$room"
    if ! timeout 420 debootstrap --variant=minbase --include=python3,python3-venv "$release" "$room" >"$room.log" 2>&1; then
      rm -rf "$room"
      echo "debootstrap could not make a Debian $release: $(tail -n 1 "$room.log")"
      exit 1
    fi
    rm -f "$room"/var/cache/apt/archives/*.deb
    touch "$room/complete"
  fi
  echo "$room"
}

# Runs in the namespaces of the command.
enter() {
  local room=$1 folder=$2
  shift 2
  mount --bind "$room" "$room"
  mount -o remount,bind,ro "$room"
  mount --rbind /proc "$room/proc"
  mount --rbind /dev "$room/dev"
  mount -t tmpfs none "$room/tmp"
  # the command may serve itself
  PATH="$PATH:/usr/sbin:/sbin" ip link set lo up 2>/dev/null || true
  mkdir -p "$room$folder"
  mount --bind "$folder" "$room$folder"
  # the command keeps its PATH, in which chroot need not be
  exec "$(PATH="$PATH:/usr/sbin:/sbin" type -P chroot)" "$room" /bin/sh -c 'cd "$0" && exec "$@"' "$PWD" "$@"
}

case ${1:-} in
  make) make_room ;;
  in) shift && exec unshare --mount --net --propagation private bash "${BASH_SOURCE[0]}" enter "$@" ;;
  enter) shift && enter "$@" ;;
  *) echo "usage: clean-room.sh make | in ROOM FOLDER COMMAND..." >&2 && exit 2 ;;
esac
