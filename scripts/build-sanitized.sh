#!/bin/sh
# Builds the holder and the client with AddressSanitizer and UndefinedBehaviorSanitizer into build/sanitized, beside the addon as it is.
# A test suite then runs with them:  scripts/build-sanitized.sh npm run test:faults -- --short
# (without a command it only builds). What a sanitizer finds ends the program with status 86 and stands in build/sanitized/reports.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/build/sanitized
flags="-std=gnu11 -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -Wall -Wextra -D_GNU_SOURCE -I$root/native"
version=$(sed -n 's/^  "version": "\(.*\)",/\1/p' "$root/package.json")
[ -f "$root/native/build/Release/sys.node" ] || { echo "build the native part first: npm run build:native" >&2; exit 1; }
mkdir -p "$out/reports"
rm -f "$out"/reports/*
cd "$root/native"
# the sources of a program as binding.gyp, which is a Python literal, names them
sources() {
  python3 -c 'import ast, sys
targets = ast.literal_eval(open("binding.gyp").read())["targets"]
print(*next(target["sources"] for target in targets if target["target_name"] == sys.argv[1]))' "$1"
}
# shellcheck disable=SC2046,SC2086
"${CC:-cc}" $flags -o "$out/holder.new" $(sources holder)
# shellcheck disable=SC2046,SC2086
"${CC:-cc}" $flags -DFALCON_VERSION="\"$version\"" -o "$out/falcon.new" $(sources falcon)
mv "$out/holder.new" "$out/holder"
mv "$out/falcon.new" "$out/falcon"
ln -sf ../../native/build/Release/sys.node "$out/sys.node"
echo "sanitized holder and client in build/sanitized"
[ $# -eq 0 ] && exit 0
export FALCON_SESSIONS_NATIVE="$out"
# the holder is made to live on a terminal that hangs up, so what it has to say goes to a file
export ASAN_OPTIONS="exitcode=86:detect_leaks=0:log_path=$out/reports/asan:abort_on_error=0"
export UBSAN_OPTIONS="exitcode=86:print_stacktrace=1:log_path=$out/reports/ubsan"
cd "$root"
status=0
"$@" || status=$?
for report in "$out"/reports/*; do
  [ -s "$report" ] || continue
  cat "$report"
  status=86
done
[ "$status" -eq 0 ] && echo "no sanitizer had anything to report"
exit "$status"
