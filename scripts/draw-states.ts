// npm run draw:states: docs/design/session-states.svg, the life of a session as one picture, from the
// transitions of src/session/life/state.ts. A test holds the picture to them:
// test/unit/states-picture.test.ts.
import fs from "node:fs";
import path from "node:path";
import { mayFollow } from "../src/session/life/state.ts";

const file = path.join(import.meta.dirname, "../docs/design/session-states.svg");

/** Each state with its place and what is true in it. The usual life goes from left to right. */
const states = [
  { name: "starting", x: 100, y: 130, says: ["the holder is made,", "nothing runs yet"] },
  { name: "running", x: 322, y: 130, says: ["the program runs,", "attached or not"] },
  { name: "exiting", x: 544, y: 130, says: ["the program ended, its last", "output is on the way"] },
  { name: "exited", x: 766, y: 130, says: ["terminal drained, log closed,", "status stored, viewers told"] },
  { name: "lost", x: 544, y: 290, says: ["the holder is gone,", "nobody saw the end"] },
] as const;
const width = 172;
const height = 74;

type State = (typeof states)[number];

function arrow(from: State, to: State): string {
  const line = (d: string) => `<path d="${d}" marker-end="url(#tip)"/>`;
  if (to.name === "lost") {
    const startY = from.y + height / 2;
    const x = from.x - width / 2 + 24;
    if (from.x < to.x - width / 2) return line(`M${x} ${startY} Q${x} ${to.y} ${to.x - width / 2 - 2} ${to.y}`);
    return line(`M${x} ${startY} L${to.x - width / 2 + 24} ${to.y - height / 2 - 2}`);
  }
  const steps = states.indexOf(to) - states.indexOf(from);
  if (steps === 1) return line(`M${from.x + width / 2} ${from.y} L${to.x - width / 2 - 2} ${to.y}`);
  const top = from.y - height / 2;
  const rise = top - 30 * steps;
  return line(`M${from.x + 20} ${top} C${from.x + 20} ${rise} ${to.x - 20} ${rise} ${to.x - 20} ${top - 2}`);
}

/** The picture as SVG. */
export function statesPicture(): string {
  const arrows = states.flatMap((from) => states.filter((to) => mayFollow(from.name, to.name)).map((to) => arrow(from, to)));
  const boxes = states.map(({ name, x, y, says }) => {
    const words = says.map((text, i) => `<text x="${x}" y="${y + 9 + 15 * i}" font-size="11.5" fill="#555">${text}</text>`);
    return `<rect x="${x - width / 2}" y="${y - height / 2}" width="${width}" height="${height}" rx="8"/>
<text x="${x}" y="${y - 13}" font-size="15" font-weight="bold">${name}</text>
${words.join("\n")}`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="870" height="350" viewBox="0 0 870 350" role="img" font-family="DejaVu Sans, Helvetica, sans-serif">
<title>The life of a session</title>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 Z"/></marker></defs>
<rect width="870" height="350" fill="#fff"/>
<g fill="none" stroke="#333" stroke-width="1.4">
${arrows.join("\n")}
</g>
<g text-anchor="middle" fill="#222">
${boxes.join("\n").replaceAll("<rect ", '<rect fill="#eef3f8" stroke="#333" ')}
</g>
</svg>
`;
}

if (process.argv[1] === import.meta.filename) fs.writeFileSync(file, statesPicture());
