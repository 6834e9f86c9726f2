// falcon doctor: every condition that would cost the user a run, each with its remedy.
import { Status } from "../../base/failure.ts";
import { type Finding, warning } from "../../doctor/condition.ts";
import { type Condition, diagnose } from "../../doctor/diagnosis.ts";
import type { FalconSeen } from "../../doctor/falcons.ts";
import { packageRoot } from "../../platform/native-files.ts";
import type { Call, Context } from "../dispatch/call.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { knownHosts } from "../machines/known-hosts.ts";
import { type Colours, coloursFor } from "../text/table.ts";

/** Status where something was found that can cost a run; warnings alone are no failure. */
const sick = 1;

export const doctor: CommandSpec = {
  name: "doctor",
  group: "set up",
  summary: "everything that could cost you a run, and how to mend it",
  examples: [
    ["falcon doctor", "what could cost you a run, and how to mend it"],
    ["falcon doctor --json", "for scripts"],
  ],
  define(command) {
    command.option("--json", "machine-readable");
  },
  async run(call, context, _args, options) {
    const { request } = call;
    const { stdin, stdout, stderr } = request.terminal;
    const { conditions: places, falcons } = await diagnose(
      {
        environment: request.environment,
        directory: request.directory,
        limits: request.limits,
        scheduling: request.scheduling,
        onTerminal: stdin || stdout || stderr,
        version: request.version,
      },
      { home: context.home, root: packageRoot, version: context.version, uid: process.getuid?.() ?? -1 },
      request.pid,
    );
    const conditions = [...places, await machines(call, context), graphics(context)];
    const findings = conditions.flatMap((c) => c.findings);
    const problems = findings.filter((f) => f.severity === "problem").length;
    if (options.json) {
      const answer = { problems, warnings: findings.length - problems, conditions, falcons };
      call.stdout(`${JSON.stringify(answer, null, 2)}\n`);
    } else call.stdout(report(conditions, falcons, coloursFor(request)));
    return problems > 0 ? sick : Status.ok;
  },
};

/** What the user's machines tell each other. */
async function machines(call: Call, context: Context): Promise<Condition> {
  const { roster } = context;
  const { problems } = await roster.others(() => false);
  const told = roster.problem === undefined ? [] : [`other machines are not told what runs here: ${roster.problem}`];
  return {
    name: "machines",
    findings: [
      ...[...told, ...problems].map((what) =>
        warning(
          "roster",
          what,
          `what is not yours or broken may be removed from ${roster.folder}; config key roster names another folder`,
        ),
      ),
      ...(await knownHosts(call, context)),
    ],
  };
}

/** What NVIDIA's driver told, where a session has asked it. */
function graphics({ gpus }: Context): Condition {
  const findings: Finding[] = [];
  if (gpus.problem !== "")
    findings.push(
      warning(
        "gpu-driver",
        `what runs use of GPUs is not known: ${gpus.problem}`,
        "nvidia-smi, by hand; restart the driver or the machine where it hangs",
      ),
    );
  const divided = gpus.gpus().filter(({ mig }) => mig);
  if (divided.length > 0)
    findings.push(
      warning(
        "gpu-mig",
        `GPU ${divided.map(({ index }) => index).join(", ")} is divided (MIG): the driver tells no use of it`,
        "nvidia-smi -mig 0 (as root), or live without that figure",
      ),
    );
  if (gpus.processes().some(({ pid }) => pid === null))
    findings.push(
      warning(
        "gpu-hidden",
        "the driver does not tell whose processes are on its GPUs: GPU memory of runs is not known",
        "run outside of the container, or start it with the host's process numbers (docker run --pid=host)",
      ),
    );
  return { name: "GPUs", findings };
}

/** Problems first, then warnings, then what is well, then who gets which falcon. */
function report(conditions: readonly Condition[], falcons: readonly FalconSeen[], colours: Colours): string {
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
  const width = Math.max(...falcons.map((f) => f.who.length));
  for (const [i, { who, file, ours, why }] of falcons.entries()) {
    const what = ours ? `ours${why === "" ? ` (${file})` : ` (${why})`}` : file === null ? "none" : `${file}: no session`;
    const shown = ours || file === null ? what : colours.yellow(what);
    lines.push(`${i === 0 ? "falcon  " : "        "} ${who.padEnd(width)}  ${shown}`);
  }
  return `${lines.join("\n")}\n`;
}
