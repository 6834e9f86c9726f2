// falcon run: any long-running command in a session.
import path from "node:path";
import type { OptionValues } from "commander";
import { Failure, Status } from "../../base/failure.ts";
import { signalName, signalNumber } from "../../platform/signals.ts";
import { endOfFile } from "../../trainers/reading/metrics-files.ts";
import { type CommandSpec, repeated } from "../dispatch/command.ts";
import { earlierOfJob } from "./continue-run.ts";
import { programFile } from "./program-file.ts";
import { defineSessionOptions, lastPart, startAndStay, stayWith } from "./start-session.ts";

export const run: CommandSpec = {
  name: "run",
  group: "start",
  starts: true,
  summary: "run any long-running command in a session",
  examples: [
    ["falcon run -d --name count -- sh -c 'seq 100'", "any command in the background"],
    ["falcon run --metrics metrics.jsonl -- python train.py", "curves of what the program writes there"],
    ["falcon run --deadline 2h -- python fit.py", "asked to stop before two hours are over"],
  ],
  define(command) {
    defineSessionOptions(command);
    command
      .option("--stop-signal <name>", "what 'falcon stop' sends it, instead of a Ctrl+C")
      .option(
        "--metrics <file>",
        "a file of metrics that it writes: CSV with a header, or JSON lines; may be given again",
        repeated,
      )
      .argument("<command>", "the program")
      .argument("[args...]", "its arguments")
      .passThroughOptions()
      .usage("[options] [--] COMMAND [ARG ...]");
  },
  async run(call, context, args, options) {
    // nothing of a start is looked at again: its program may be gone by now
    const started = context.table.startedBy(call.request.token);
    if (started !== undefined) return stayWith(call, context, started, options);
    const [file] = args as [string, ...string[]];
    const stopSignal = stopSignalOf(options);
    await programFile(file, call.request.environment, call.request.directory);
    const { directory, environment } = call.request;
    const metrics = await Promise.all(
      ((options.metrics as string[] | undefined) ?? []).map(async (name) => {
        const file = path.resolve(directory, name);
        return { file, before: await endOfFile(file) };
      }),
    );
    const earlier = await earlierOfJob(context, { kind: "run", directory, words: args, environment });
    return startAndStay(
      call,
      context,
      {
        kind: "run",
        command: args,
        name: lastPart(file),
        runDirectory: null,
        earlier,
        words: args,
        ...(metrics.length === 0 ? {} : { metrics }),
        ...(stopSignal === undefined ? {} : { stopSignal }),
      },
      options,
    );
  },
};

/** The signal that --stop-signal names. @throws Failure 2 where there is none of that name. */
export function stopSignalOf({ stopSignal }: OptionValues): NodeJS.Signals | undefined {
  if (stopSignal === undefined) return undefined;
  const signal = signalNumber(stopSignal);
  if (signal === undefined) throw new Failure(`--stop-signal ${stopSignal}: no such signal ('kill -l' lists them)`, Status.usage);
  return signalName(signal) as NodeJS.Signals;
}
