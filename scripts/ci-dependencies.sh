#!/usr/bin/env bash
# What the machine must have before `npm ci`: installs what is missing where that is possible (root, apt-get), else names it and fails.
# Nothing is done where all is there. Programs that only some tests use (shells, multiplexers, sshd, Slurm …) are installed in the same way,
# but never needed: where one stays away it is named, and its tests say why they are skipped.
set -u

oldest_node=20
lacking=() # what is missing, for a person
packages=() # and Debian's packages that bring it

need() { # need WHAT PACKAGE COMMAND...
  local what=$1 package=$2
  shift 2
  if ! "$@" >/dev/null 2>&1 </dev/null; then
    lacking+=("$what")
    packages+=("$package")
  fi
}

look() {
  lacking=()
  packages=()
  need "a C compiler (cc)" build-essential "${CC:-cc}" --version
  need "a C++ compiler (g++)" build-essential "${CXX:-g++}" --version
  need "make" build-essential make --version
  need "Python 3.9 or later (python3)" python3 python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))'
  need "Python's venv module" python3-venv python3 -c 'import ensurepip, venv'
}

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "Node $oldest_node or later and npm are needed and not on PATH: install them and run this again." >&2
  exit 1
fi
if ! node -e "process.exit(Number.parseInt(process.versions.node, 10) < $oldest_node ? 1 : 0)"; then
  echo "Node $oldest_node or later is needed and this is $(node --version): install a newer one and run this again." >&2
  exit 1
fi

look
if ((${#lacking[@]} > 0)) && command -v apt-get >/dev/null && [[ $(id -u) == 0 ]]; then
  echo "installs what is missing: ${lacking[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update && apt-get -qq -y install --no-install-recommends "${packages[@]}" >/dev/null
  look
fi
# venv is only for the test with the real falcon, which says itself that it is missing
essential=()
for what in ${lacking[@]+"${lacking[@]}"}; do [[ $what == *venv* ]] || essential+=("$what"); done
if ((${#essential[@]} > 0)); then
  printf 'missing: %s\n' "${essential[@]}" >&2
  echo "Debian and Ubuntu: apt-get install build-essential python3 python3-venv; Fedora and RHEL: dnf install gcc-c++ make python3; macOS: xcode-select --install" >&2
  exit 1
fi

# What only some tests use: command (of libraries their loader) and Debian's package.
optional=(
  tmux tmux
  screen screen
  dtach dtach
  zsh zsh
  fish fish
  sshd openssh-server
  ssh openssh-client
  ip iproute2
  slurmctld slurmctld
  slurmd slurmd
  srun slurm-client
  slurmdbd slurmdbd
  mariadbd mariadb-server
  qemu-aarch64-static qemu-user-static
  /usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1 libstdc++6-arm64-cross
  man man-db
  mandoc mandoc
  xterm xterm
  Xvfb xvfb
  debootstrap debootstrap
  chromium chromium
  nginx nginx-light
  apache2 apache2-bin
  msmtp msmtp
  tinyproxy tinyproxy
  openssl openssl
  linux.uml user-mode-linux
  rpc.nfsd nfs-kernel-server
  faketime faketime
)
absent() { # the words of `optional` at this place (0 command, 1 package) for every command that is not here
  local i
  for ((i = 0; i < ${#optional[@]}; i += 2)); do
    PATH="$PATH:/usr/sbin:/sbin" command -v "${optional[i]}" >/dev/null || printf '%s\n' "${optional[i + $1]}"
  done
}
if [[ -n $(absent 0) ]] && command -v apt-get >/dev/null && [[ $(id -u) == 0 ]]; then
  echo "installs what some tests use: $(absent 0 | tr '\n' ' ')"
  export DEBIAN_FRONTEND=noninteractive
  # one that a distribution does not have must not cost the others
  apt-get -qq update
  absent 1 | sort -u | while read -r package; do
    apt-get -qq -y install --no-install-recommends "$package" </dev/null >/dev/null 2>&1 || echo "$package could not be installed"
  done
fi
if [[ -n $(absent 0) ]]; then echo "not here, so their tests are skipped: $(absent 0 | tr '\n' ' ')"; fi
echo "node $(node --version), npm $(npm --version), $("${CC:-cc}" --version | head -n 1), $(python3 --version 2>&1)"
