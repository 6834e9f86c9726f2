// Any program of `falcon run`: how far it is, is told by files of metrics that it writes, and by its
// terminal.
import type { Trainer } from "../trainer.ts";
import { programPostMortem } from "./post-mortem.ts";
import { ProgramWatch } from "./watch.ts";

export const program: Trainer = {
  name: "program",
  words: "falcon run",
  is: ({ kind }) => kind === "run",
  savesModel: false,
  stopOrder: "interrupt",
  display: { detachKeyFree: false, drawn: false },
  postMortem: programPostMortem,
  watch: (session, effects) => new ProgramWatch(session, effects),
};
