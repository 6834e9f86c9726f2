// A program of which nothing is known but that it runs: `falcon run` with any command.
import type { Trainer } from "../trainer.ts";

export const none: Trainer = {
  name: "none",
  words: "falcon run",
  is: () => true,
  savesModel: false,
  stopOrder: "interrupt",
  display: { detachKeyFree: false, drawn: false },
  watch: () => undefined,
};
