#!/bin/sh
# Stands where npm links our command until scripts/npm/install.mjs puts the client here: npm makes the links first, and may not run install
# scripts at all. Then this runs it once, at the first call.
self=$0
while [ -h "$self" ]; do
  target=$(readlink "$self")
  case $target in /*) self=$target ;; *) self=${self%/*}/$target ;; esac
done
root=$(cd "${self%/*}/.." && pwd -P) || exit 125
"${FALCON_NODE:-node}" "$root/scripts/npm/install.mjs" >&2 || exit 125
exec "$root/native/build/Release/falcon" "$@"
