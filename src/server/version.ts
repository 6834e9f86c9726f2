// Which of two versions is newer.

/**
 * Whether `a` is newer than `b`, both of the form 1.2.3 with an optional -suffix (a suffix is older than
 * none).
 */
export function isNewer(a: string, b: string): boolean {
  const [left, right] = [parse(a), parse(b)];
  if (left === undefined || right === undefined) return false;
  for (let i = 0; i < 3; i++) {
    const [l, r] = [left.numbers[i] ?? 0, right.numbers[i] ?? 0];
    if (l !== r) return l > r;
  }
  if (left.suffix === right.suffix) return false;
  if (left.suffix === "" || right.suffix === "") return left.suffix === "";
  return left.suffix > right.suffix;
}

function parse(version: string): { numbers: number[]; suffix: string } | undefined {
  const found = /^(\d+)\.(\d+)\.(\d+)(?:-(.+))?$/.exec(version);
  if (found === null) return undefined;
  return { numbers: [Number(found[1]), Number(found[2]), Number(found[3])], suffix: found[4] ?? "" };
}
