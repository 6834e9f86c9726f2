// A reporter for node's test runner: a line of JSON for each test, with its file, its name below those around
// it, and how it went.
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");

export default async function* outcomes(source) {
  /** Names of the suites and tests that are open, by file and depth. */
  const open = new Map();
  for await (const { type, data } of source) {
    if (data?.file === undefined) continue;
    const file = path.relative(root, data.file);
    if (type === "test:start") {
      const names = open.get(file) ?? [];
      names[data.nesting] = data.name;
      open.set(file, names);
    }
    if (type !== "test:pass" && type !== "test:fail") continue;
    if (data.details?.type === "suite" && type === "test:pass") continue;
    const { error } = data.details ?? {};
    // what failed in it is told by itself
    if (error?.failureType === "subtestsFailed") continue;
    const name = [...(open.get(file) ?? []).slice(0, data.nesting), data.name].join(" › ");
    const message = type === "test:fail" ? String(error?.cause?.message ?? error?.cause ?? error?.message ?? error) : "";
    yield `${JSON.stringify({ file, name, passed: type === "test:pass", skipped: data.skip !== undefined, message })}\n`;
  }
}
