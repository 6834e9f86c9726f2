// falcon launch: the Python falcon's own command, in a session; with --attach, the run that is already going.
import path from "node:path";
import { Failure, Status } from "../../base/failure.ts";
import { printableLines } from "../../base/text/printable.ts";
import { changesOf, withChanges } from "../../session/life/provenance.ts";
import { learnRunDirectories, selectSession, sessionsOfRun } from "../../session/life/select-session.ts";
import type { Session } from "../../session/life/session.ts";
import { launcher } from "../../trainers/registry.ts";
import { attachHere } from "../attach/attach-terminal.ts";
import type { Call, Context } from "../dispatch/call.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { handOver } from "../dispatch/hand-over.ts";
import { askLine, canAsk } from "../text/ask-person.ts";
import { bringInRun, earlierOfJob } from "./continue-run.ts";
import { programFile } from "./program-file.ts";
import { defineSessionOptions, lastPart, startAndStay, stayWith } from "./start-session.ts";

export const launch: CommandSpec = {
  name: "launch",
  group: "start",
  starts: true,
  summary: "train in a session: falcon's own launch, which you can leave and come back to",
  examples: [
    ["falcon launch -o runs/a", "train, attached; d leaves, the run goes on"],
    ["falcon launch -d --name night -o runs/night", "start in the background"],
    ["falcon launch -o runs/a graph.theta.estimator.max_epochs=500", "falcon's own settings go on to it"],
    ["falcon launch --attach", "back to the run of this directory"],
  ],
  define(command) {
    defineSessionOptions(command);
    command
      .option("--attach", "attach to the run that is already going (never starts one)")
      .option("--falcon <path>", "the Python falcon to use")
      .option("--no-check", "start it also where its configuration, run directory or observations are amiss")
      .argument("[falcon options...]", "falcon's own options and key=value settings, handed on unchanged")
      .allowUnknownOption()
      .usage("[options] [falcon's own options] [key=value ...]");
  },
  helpAfter: pythonOptions,
  async run(call, context, args, options) {
    const { request } = call;
    const own = launcher.request(args);
    if (options.attach) {
      const session = await goingRun(call, context, own.output);
      return attachHere(call, context, session, { readOnly: false, history: context.config.history, enter: true });
    }
    // nothing of a start is looked at again: its program may be gone by now
    const started = context.table.startedBy(request.token);
    if (started !== undefined) return stayWith(call, context, started, options);
    const found = await launcher.find({
      environment: request.environment,
      directory: request.directory,
      explicit: options.falcon,
    });
    const [file] = found.command as [string, ...string[]];
    await programFile(file, request.environment, request.directory);
    // a script that we started as the Python falcon calls falcon: what it means is the next one, in the
    // session that there is
    if (request.environment[launcher.viaVariable] && request.environment.FALCON_SESSION) return handOver(call);
    const { directory, environment } = request;
    const earlier = await earlierOfJob(context, { kind: "launch", directory, words: args, environment });
    let runDirectory = own.output === undefined ? null : path.resolve(directory, own.output);
    let words = args;
    if (earlier !== undefined) {
      // the first part may have made its directory itself: the next one is told which
      const plan = await launcher.resume(args, directory, earlier.row.runDirectory ?? runDirectory ?? undefined);
      call.stderr(`[${earlier.row.name}] ${plan.sentence}\n`);
      // what relaunches have changed holds for this part too
      words = withChanges(plan.args, changesOf(earlier.row));
      runDirectory = earlier.row.runDirectory ?? runDirectory;
    } else if (runDirectory !== null) await bringInRun(context, runDirectory, directory);
    const amiss = options.check === false ? undefined : await launcher.check(found.command, words, directory);
    if (amiss !== undefined) throw new Failure(`${amiss} (--no-check starts it all the same)`, Status.usage);
    if (options.check !== false)
      for (const { sentence } of await launcher.notices(found.command, words, directory, environment))
        call.stderr(`falcon: ${sentence}\n`);
    const plain = plainWithout(call, options.detach === true, own.interactive);
    return startAndStay(
      call,
      context,
      {
        kind: "launch",
        command: [...found.command, "launch", ...plain, ...words],
        name: runDirectory === null ? lastPart(request.directory) : lastPart(runDirectory),
        runDirectory,
        plain: plain.length > 0,
        earlier,
        words: args,
        ...(earlier === undefined ? {} : { changes: changesOf(earlier.row) }),
        ...(found.via === undefined ? {} : { variables: { [launcher.viaVariable]: found.via } }),
      },
      options,
    );
  },
};

/** The Python falcon's own options of launch, by its bare usage; "" where there is none to ask. */
async function pythonOptions({ request: { environment, directory } }: Call): Promise<string> {
  const found = await launcher.find({ environment, directory }).catch(() => undefined);
  const usage = found === undefined ? undefined : await launcher.usage(found, environment, directory);
  if (found === undefined || usage === undefined) return "\nThe Python falcon's own options go on to it unchanged.";
  const version = /\bv?(\d+(?:\.\d+)+\S*)/.exec(usage)?.[1] ?? "";
  const line = usage.split("\n").find((text) => /^\s+falcon\s+launch\b/.test(text)) ?? "";
  const options = /^Options:\n(.*)/ms.exec(usage)?.[1] ?? "";
  return `\nThe Python falcon's own${version === "" ? "" : `, of version ${version}`} (${found.command.join(" ")}):\n\n${line}\n\n${printableLines(options.trimEnd())}`;
}

/**
 * What is added to falcon's arguments: where nobody sees a display, because the output is copied to a file or
 * a pipe, its plain lines are wanted, as without us. `chosen`: what the user's own arguments say of the
 * display.
 */
export function plainWithout(call: Call, detached: boolean, chosen: boolean | undefined): string[] {
  const { stdin, stdout } = call.request.terminal;
  return (stdin && stdout) || detached || chosen !== undefined ? [] : ["--no-interactive"];
}

/**
 * A run of another directory is another project's, and may not be meant. @throws Failure 1 where it is not.
 */
async function askElsewhere(call: Call, { id, row }: Session): Promise<void> {
  const said = `no run is going in this directory; ${row.name} (${id}) is, in ${row.directory}`;
  const answer = canAsk(call) ? await askLine(call, `falcon: ${said}. Attach to that one? [y/N] `) : "";
  if (!/^y(es)?$/i.test(answer)) throw new Failure(`${said}: 'falcon attach ${id}' attaches to it`, Status.noSession);
}

/** The run that is already going: of that output directory, else the one of this directory. */
async function goingRun(call: Call, context: Context, output: string | undefined): Promise<Session> {
  const runs = context.table.live().filter((s) => s.row.kind === "launch");
  const { directory } = call.request;
  if (output !== undefined) {
    await learnRunDirectories(runs, output, directory);
    const [session] = sessionsOfRun(runs, output, directory);
    if (session === undefined) {
      throw new Failure(`nothing is training in ${output}: 'falcon launch -o ${output}' starts or resumes it`, Status.noSession);
    }
    return session;
  }
  if (runs.length === 0) throw new Failure("no falcon run is going: 'falcon launch' starts one", Status.noSession);
  const here = runs.filter(({ row }) => row.directory === directory);
  const session = selectSession(here.length > 0 ? here : runs, undefined, directory);
  if (here.length === 0) await askElsewhere(call, session);
  return session;
}
