// The thread that works on lines and makes exports: one turn at a time, each bounded by whoever asks for it.
import { parentPort } from "node:worker_threads";
import { sentence } from "../base/failure.ts";
import { type LineTurn, packTurn, readTurn, unpackTurn } from "../logs/line-job.ts";
import type { TurnMessage, TurnReply } from "../logs/worker-pool.ts";
import type { FigureTurn, LinesTurn, ScreenTurn } from "./render.ts";

export type ExportTurn = ScreenTurn | LinesTurn | FigureTurn;

async function work(turn: LineTurn | ExportTurn): Promise<unknown> {
  switch (turn.do) {
    case "read":
      return readTurn(turn);
    case "pack":
      return packTurn(turn);
    case "unpack":
      return unpackTurn(turn);
    // the terminal and the drawing are loaded only by a thread that is asked for them
    case "screen":
      return (await import("./render.ts")).renderScreen(turn);
    case "lines":
      return (await import("./render.ts")).renderLines(turn);
    case "figure":
      return (await import("./render.ts")).renderFigure(turn);
  }
}

parentPort?.on("message", async ({ turn }: TurnMessage) => {
  let reply: TurnReply;
  try {
    reply = { answer: await work(turn as LineTurn | ExportTurn) };
  } catch (error) {
    reply = { failed: sentence(error) };
  }
  parentPort?.postMessage(reply);
});
