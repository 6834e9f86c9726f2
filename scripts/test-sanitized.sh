#!/bin/sh
# The holder and the client with AddressSanitizer and UndefinedBehaviorSanitizer through their suites: every unit
# test of the native programs and of the holder's link, then the short list of the faults.
# scripts/test-sanitized.sh [--short]: of the faults only those that end holders.
# Exit status 86 and the report where a sanitizer found something; says so and succeeds where the compiler has no sanitizers.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
probe=$(mktemp -d)
trap 'rm -rf "$probe"' EXIT
echo 'int main(void) { return 0; }' > "$probe/probe.c"
if ! "${CC:-cc}" -fsanitize=address,undefined -o "$probe/probe" "$probe/probe.c" 2> /dev/null || ! "$probe/probe"; then
  echo "skipped: ${CC:-cc} has no sanitizers here"
  exit 0
fi
scripts/build-sanitized.sh node --import tsx --test --test-concurrency=2 --test-reporter=dot test/unit/native/*.test.ts \
  test/unit/session/holder/holder-link.test.ts \
  test/unit/session/holder/old-holder.test.ts test/e2e/server/old-holder.test.ts test/unit/platform/native.test.ts
if [ "${1:-}" = --short ]; then
  # each a run of its own: --only takes one name
  scripts/build-sanitized.sh sh -c 'for fault in "20 KB" "ten exits" "of holders" "EMFILE" "next server"; do
    npm run --silent test:faults -- --short --only "$fault" || exit; done'
else
  scripts/build-sanitized.sh npm run --silent test:faults -- --short
fi
