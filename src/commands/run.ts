// falcon run: any long-running command in a session.
import { Failure, Status } from "../base/failure.ts";
import type { CommandSpec } from "./command.ts";
import { programFile } from "./program-file.ts";
import { defineSessionOptions, lastPart, startAndStay } from "./starting.ts";

export const run: CommandSpec = {
  name: "run",
  summary: "run any long-running command in a session",
  define(command) {
    defineSessionOptions(command);
    command
      .argument("<command>", "the program")
      .argument("[args...]", "its arguments")
      .passThroughOptions()
      .usage("[options] [--] COMMAND [ARG ...]");
  },
  async run(call, context, args, options) {
    const [file, ...rest] = args;
    if (file === undefined) throw new Failure("name a command to run: falcon run COMMAND [ARG ...]", Status.usage);
    programFile(file, call.request.environment, call.request.directory);
    return startAndStay(
      call,
      context,
      { kind: "run", command: [file, ...rest], name: lastPart(file), runDirectory: null },
      options,
    );
  },
};
