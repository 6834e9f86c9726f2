#!/usr/bin/env bash
# Runs a command with another Node, in a copy of this tree that was installed with that Node:
#     scripts/with-node.sh VERSION COMMAND...          (VERSION: 20, 22.20, 24.19.0 ...; the newest that it fits)
# Node comes from the npm registry (the packages node-<system>-<processor>, which hold the program and its headers) and stays in a cache outside
# the clone. The copy is made of what git knows or would take up, lies in /tmp, and is removed at the end; KEEP=1 keeps it.
set -eu -o pipefail

if (($# < 2)); then
  echo "usage: scripts/with-node.sh VERSION COMMAND..." >&2
  exit 2
fi
version=$1
shift
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache="${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/falcon-sessions-ci"
mkdir -p "$cache"

case $(uname -m) in
  x86_64) processor=x64 ;;
  aarch64 | arm64) processor=arm64 ;;
  *) processor=$(uname -m) ;;
esac
package="node-$(uname -s | tr '[:upper:]' '[:lower:]')-$processor"
case $version in *.*.*) range=$version ;; *) range="^$version" ;; esac

# The newest version that fits; without a registry, what the cache holds.
exact=$(npm view "$package@$range" version --json 2>/dev/null |
  node -e 'const found = [JSON.parse(require("fs").readFileSync(0, "utf8"))].flat();
    console.log(found.map((v) => v.split(".").map(Number)).sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]).at(-1).join("."))' 2>/dev/null) ||
  exact=$(find "$cache" -maxdepth 1 -name "node-$version*" -printf '%f\n' | sort -V | tail -n 1 | cut -d- -f2)
if [[ -z $exact ]]; then
  echo "there is no Node $version to be had: the npm registry names no $package@$range, and $cache holds none" >&2
  exit 1
fi
node="$cache/node-$exact"
if [[ ! -x $node/bin/node ]]; then
  new=$(mktemp -d "$cache/new.XXXXXX")
  (cd "$new" && npm pack --silent "$package@$exact" >/dev/null && tar xzf ./*.tgz && rm ./*.tgz)
  # another run may have brought it meanwhile
  mv -T "$new/package" "$node" 2>/dev/null || true
  rm -rf "$new"
fi

# Some tests run as another user, who cannot enter this one's home: tree and Node lie where everybody can. Not in /var/tmp, which a test covers.
place=$(mktemp -d "/tmp/falcon-sessions-node-$exact.XXXXXX")
chmod 755 "$place"
tree="$place/tree"
mkdir "$tree"
cleanup() { [[ -n ${KEEP:-} ]] && echo "kept: $place" >&2 || rm -rf "$place"; }
trap cleanup EXIT
cp -al "$node" "$place/node" 2>/dev/null || { rm -rf "$place/node" && cp -a "$node" "$place/node"; }
node="$place/node"
cd "$root"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do [[ ! -e $file ]] || printf '%s\0' "$file"; done |
  tar cf - --null --no-recursion -T - | tar xf - -C "$tree"

# npm's own setting may point at the headers of the Node that is installed here
export PATH="$node/bin:$PATH" npm_config_nodedir="$node"
cd "$tree"
echo "-- Node $(node --version) in $tree"
began=$SECONDS
npm ci --silent
echo "-- npm ci: $((SECONDS - began)) s"
began=$SECONDS
status=0
"$@" || status=$?
echo "-- $*: status $status after $((SECONDS - began)) s"
exit "$status"
