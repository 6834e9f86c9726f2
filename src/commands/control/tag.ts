// falcon tag: labels of a session, by which lists and comparisons are filtered.
import { Status } from "../../base/failure.ts";
import { tagsOf, tagsText, withTags } from "../../session/life/tags.ts";
import { partsOf } from "../../session/run/parts.ts";
import { nameOne } from "../dispatch/choose-sessions.ts";
import type { CommandSpec } from "../dispatch/command.ts";

export const tag: CommandSpec = {
  name: "tag",
  group: "act",
  summary: "label a session, to find it by",
  examples: [
    ["falcon tag night lr=0.001 good", "sets two labels"],
    ["falcon tag night good=", "takes one away"],
    ["falcon tag night", "shows them"],
    ["falcon sessions --tag lr=0.001", "what has it"],
  ],
  completes: "all",
  define(command) {
    command
      .argument("<session>", "id, unique prefix, name or run directory")
      .argument("[label...]", "name=value, or a name alone; name= takes it away");
  },
  async run(call, context, [wanted, ...words]) {
    const session = nameOne(call, context, wanted);
    if (words.length > 0) {
      const tags = withTags(tagsOf(session.row), words);
      // all its parts are one run
      for (const part of partsOf(context.table.all(), session)) part.setFact("tags", tags);
    }
    const text = tagsText(tagsOf(session.row));
    if (words.length === 0 && text !== "") call.stdout(`${text.split(" ").join("\n")}\n`);
    return Status.ok;
  },
};
