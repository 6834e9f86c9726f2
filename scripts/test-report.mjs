// A reporter for node's test runner: a line a file, whatever failed or was skipped with its reason, and the
// sum. Each test's name that passed would be a thousand lines that nobody reads.
import path from "node:path";
import { inspect } from "node:util";

export default async function* testReport(events) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  const began = Date.now();
  let file;
  let count = 0;
  let milliseconds = 0;
  const line = () =>
    file === undefined ? "" : `${path.relative(process.cwd(), file)}  ${count} in ${(milliseconds / 1000).toFixed(1)} s\n`;
  for await (const { type, data } of events) {
    if (type === "test:stderr" || type === "test:stdout") yield data.message;
    if (type !== "test:pass" && type !== "test:fail") continue;
    // the runner reports files one after the other
    if (data.file !== undefined && data.file !== file) {
      yield line();
      [file, count, milliseconds] = [data.file, 0, 0];
    }
    if (data.nesting === 0) milliseconds += data.details.duration_ms;
    if (type === "test:fail") {
      const { error } = data.details;
      // a suite fails with its tests, which have said why
      if (error?.failureType === "subtestsFailed") continue;
      sum.failed++;
      yield `not ok - ${data.name}\n${indented(inspect(error?.cause ?? error))}\n`;
    } else if (data.details.type === "suite" && data.skip === undefined) continue;
    else if (data.skip !== undefined) {
      // a suite that is left out has no tests that would say so
      sum.skipped++;
      yield `skipped - ${data.name}${data.skip === true || data.skip === "" ? "" : `: ${data.skip}`}\n`;
    } else sum.passed++;
    count++;
  }
  yield `${line()}${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped in ${Math.round((Date.now() - began) / 1000)} s\n`;
}

function indented(text) {
  return text.replace(/^/gm, "    ");
}
