// falcon kill: a signal for the program of a session.
import { Option } from "commander";
import { Failure, Status } from "../../base/failure.ts";
import { signalName, signalNumber } from "../../platform/signals.ts";
import { defineSeveral, several } from "../dispatch/choose-sessions.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { endSentence } from "../text/wording.ts";
import { refuseUnreached } from "./unreached.ts";

export const kill: CommandSpec = {
  name: "kill",
  group: "act",
  summary: "send a signal to a session's program (SIGTERM unless told otherwise)",
  examples: [
    ["falcon kill night", "SIGTERM"],
    ["falcon kill --signal KILL night", "what nothing else ends"],
  ],
  words: { "--signal": ["TERM", "INT", "KILL", "HUP", "QUIT", "USR1", "USR2", "STOP", "CONT"] },
  define(command) {
    command
      .argument("[session...]", "ids, unique prefixes, names or run directories")
      // a number from here on: the name is looked at before anybody does anything with a session
      .addOption(
        new Option("--signal <name>", "TERM, KILL, USR1 …").default(signalNumber("TERM"), "TERM").argParser(parseSignal),
      );
    defineSeveral(command, "all that run");
  },
  async run(call, context, wanted, options) {
    const number: number = options.signal;
    const sessions = several(call, context, wanted, options, { all: (session) => session.live });
    const over = sessions.find((session) => !session.live);
    if (over !== undefined) {
      const nothing = sessions.length > 1 ? "; no signal was sent" : "";
      throw new Failure(`session ${over.id} (${over.row.name}) is over: ${endSentence(over)}${nothing}`, Status.noSession);
    }
    refuseUnreached(sessions, ({ program }) => program.reached);
    const counted = ["SIGINT", "SIGTERM"].includes(signalName(number));
    for (const session of sessions) {
      if (counted) session.program.countedSignal(number, 0, "kill");
      // a killed driver must not leave Ray's processes behind
      else session.program.signal(number, number === signalNumber("SIGKILL") ? 2 : 0, "kill");
      call.stderr(`[${session.row.name}] sent ${signalName(number)}\n`);
    }
    return Status.ok;
  },
};

/** The number of a signal as given by --signal. @throws Failure 2 when there is none of that name. */
function parseSignal(name: string): number {
  const number = signalNumber(name);
  if (number === undefined) throw new Failure(`--signal ${name}: no such signal ('kill -l' lists them)`, Status.usage);
  return number;
}
