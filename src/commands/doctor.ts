// falcon doctor: every condition that would cost the user a run, each with its remedy.
import { Status } from "../base/failure.ts";
import { type Condition, diagnose } from "../doctor/diagnosis.ts";
import { packageRoot } from "../platform/native.ts";
import type { CommandSpec } from "./command.ts";
import { coloursFor } from "./table.ts";

/** Status where something was found that can cost a run; warnings alone are no failure. */
const sick = 1;

export const doctor: CommandSpec = {
  name: "doctor",
  summary: "everything that could cost you a run, and how to mend it",
  define(command) {
    command.option("--json", "machine-readable");
  },
  async run(call, context, _args, options) {
    const { request } = call;
    const { stdin, stdout, stderr } = request.terminal;
    const conditions = await diagnose(
      {
        environment: request.environment,
        directory: request.directory,
        limits: request.limits,
        onTerminal: stdin || stdout || stderr,
        version: request.version,
      },
      { home: context.home, root: packageRoot, version: context.version, uid: process.getuid?.() ?? -1 },
    );
    const findings = conditions.flatMap((c) => c.findings);
    const problems = findings.filter((f) => f.severity === "problem").length;
    if (options.json) {
      const answer = { problems, warnings: findings.length - problems, conditions };
      call.stdout(`${JSON.stringify(answer, null, 2)}\n`);
    } else call.stdout(report(conditions, coloursFor(request)));
    return problems > 0 ? sick : Status.ok;
  },
};

/** Problems first, then warnings, then what is well. */
function report(conditions: readonly Condition[], colours: ReturnType<typeof coloursFor>): string {
  const findings = conditions.flatMap((c) => c.findings);
  const lines: string[] = [];
  for (const severity of ["problem", "warning"] as const) {
    const mark = severity === "problem" ? colours.red("problem") : colours.yellow("warning");
    for (const { what, remedy } of findings.filter((f) => f.severity === severity)) {
      lines.push(`${mark}  ${what}\n         ${colours.green("mend:")} ${remedy}`);
    }
  }
  const well = conditions.filter((c) => c.findings.length === 0).map((c) => c.name);
  if (well.length > 0) lines.push(`${colours.green("well")}     ${well.join(", ")}`);
  return `${lines.join("\n")}\n`;
}
