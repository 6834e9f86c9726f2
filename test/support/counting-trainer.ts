// A trainer of a dozen facts, for the test that adds one: a program called "count" that writes its steps and
// losses to count.log, and saves when it gets SIGUSR1.
import path from "node:path";
import { readPiece } from "../../src/trainers/reading/foreign-files.ts";
import { type NodeProgress, type RunProgress, unknownNode, unknownRun } from "../../src/trainers/run/run.ts";
import type { Trainer } from "../../src/trainers/trainer.ts";

/** Steps that it has done when it is through. */
const planned = 1_000;

export const counting: Trainer = {
  name: "counting",
  words: "count",
  is: ({ command }) => path.basename(command[0] ?? "") === "count",
  savesModel: false,
  stopOrder: "SIGUSR1",
  display: { detachKeyFree: false, drawn: false },
  conditions: {
    name: "what count needs",
    look: async () => [{ id: "no-fingers", what: "there is nothing to count with", remedy: "grow some" }],
  },
  watch({ directory }) {
    const file = path.join(directory, "count.log");
    let last: number[] = [];
    const losses = async () => {
      const text = Buffer.from(await readPiece(file, 0, 1 << 20).catch(() => Buffer.alloc(0))).toString();
      return text.split("\n").flatMap((line) => (line === "" ? [] : Number(line)));
    };
    return {
      async read(alive) {
        last = await losses();
        return progress(directory, last, alive !== false);
      },
      losses: () => [last],
      async curves() {
        const y = await losses();
        const none = { x: [], y: [] };
        const training = { x: y.map((_, i) => i + 1), y };
        return [{ node: "counter", training, validation: none, learningRate: none, seams: [] }];
      },
      logFile: (node) => (node === "counter" ? file : undefined),
    };
  },
};

function progress(directory: string, losses: readonly number[], alive: boolean): RunProgress {
  const node: NodeProgress = {
    ...unknownNode,
    name: "counter",
    status: alive ? "training" : "stopped",
    logged: true,
    epoch: losses.length,
    epochs: planned,
    epochsBefore: 0,
    fraction: losses.length / planned,
    loss: losses.at(-1) ?? null,
  };
  const phase = alive ? "training" : "ended";
  return { ...unknownRun, directory, name: "count", graph: directory, phase, nodes: [node], fraction: node.fraction };
}
