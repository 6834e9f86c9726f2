// Any program of `falcon run`: how far it is, is told by files of metrics that it writes, and by its
// terminal.
import path from "node:path";
import type { Trainer } from "../trainer.ts";
import { programPostMortem } from "./post-mortem.ts";
import { ProgramWatch } from "./watch.ts";

export const program: Trainer = {
  name: "program",
  words: "falcon run",
  is: ({ kind, command }) => kind === "run" && !showsOthers(command),
  savesModel: false,
  stopOrder: "interrupt",
  display: { detachKeyFree: false, drawn: false },
  postMortem: programPostMortem,
  watch: (session, effects) => new ProgramWatch(session, effects),
};

/**
 * Our own commands on whose screen stands what other sessions tell, where it would be read a second time: all
 * that look (test/unit/trainers/program.test.ts compares), and who attaches.
 */
export const showing: ReadonlySet<string> = new Set(
  "attach compare events export logs ls monitor replay sessions share show web".split(" "),
);

function showsOthers([file = "", word = ""]: readonly string[]): boolean {
  return ["falcon", "falcon-sessions"].includes(path.basename(file)) && showing.has(word);
}
