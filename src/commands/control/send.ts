// falcon send: keys for a session's program, by name or literally.
import { Failure, Status } from "../../base/failure.ts";
import { bytesOf } from "../../base/text/bytes.ts";
import { nameOne } from "../dispatch/choose-sessions.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { endSentence } from "../text/wording.ts";
import { keyBytes } from "./key-names.ts";
import { refuseUnreached } from "./unreached.ts";

export const send: CommandSpec = {
  name: "send",
  group: "act",
  summary: "type into a session without attaching: 'j' 'Enter' 'C-c', or --text 'literal'",
  examples: [
    ["falcon send night j", "press j"],
    ["falcon send night C-c", "press Ctrl+C"],
    ["falcon send shell --text 'make' Enter", "type a line"],
  ],
  define(command) {
    command
      .argument("<session>", "id, unique prefix, name or run directory")
      .argument("[keys...]", "characters, or names: Enter, Tab, Escape, Space, Up, Down, F1, C-c, M-x …")
      .option("--text <text>", "this text as it is");
  },
  async run(call, context, [wanted, ...keys], options) {
    const session = nameOne(call, context, wanted);
    if (keys.length === 0 && options.text === undefined)
      throw new Failure("name keys to send, or give --text 'literal'", Status.usage);
    if (!session.live)
      throw new Failure(`session ${session.id} (${session.row.name}) is over: ${endSentence(session)}`, Status.noSession);
    refuseUnreached([session], ({ program }) => program.typable);
    const cursorKeys = session.inputModes().applicationCursor ? "application" : "normal";
    // all names are looked up before the first byte goes
    const bytes = Buffer.concat([bytesOf(options.text ?? ""), ...keys.map((key) => keyBytes(key, cursorKeys))]);
    session.program.typed(bytes);
    return Status.ok;
  },
};
