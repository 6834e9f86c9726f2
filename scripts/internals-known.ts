// The self-test of src/terminal/model/model.ts: whether this version of xterm.js is the one that it was
// written for. The build fails where it is not, since every screen would be wrong.
import { Bg, Colour } from "../src/terminal/model/cells.ts";
import { Model } from "../src/terminal/model/model.ts";

/**
 * Whether xterm.js' internals are those that this file was written for: true, or the first thing that is not.
 * A terminal is fed a sequence that leaves a trace in every field that is read, and the fields are set and
 * read again.
 */
export function internalsKnown(make: () => Model = () => new Model(12, 4, 100)): true | string {
  let model: Model | undefined;
  try {
    model = make();
    const probe =
      "one\r\ntwo\r\nthree\r\nfour\r\n\x1b[?25l\x1b[?1002;1006;2004;1h\x1b[2;3r\x1b[?6h\x1b[1;4m\x1b)0\x0e\x1b[2;3H\x1b7\x1b[4:3;58:5:9;31mlq\x1b]8;id=a;http://x\x07e\u0301";
    model.parse(Buffer.from(probe));
    const expected: [string, unknown, unknown][] = [
      ["cols", model.cols, 12],
      ["rows", model.rows, 4],
      ["base", model.normal.base, 1],
      ["x", model.normal.x, 5],
      ["y", model.normal.y, 2],
      ["region", [model.normal.top, model.normal.bottom], [1, 2]],
      ["saved", model.normal.saved, { x: 2, y: 2, fg: 0x18000000, bg: Bg.extended, charset: "0" }],
      ["charsets", model.charsets, { designated: ["B", "0", "B", "B"], level: 1, effective: "0" }],
      [
        "pen",
        model.pen,
        {
          fg: 0x18000000 | Colour.palette16 | 1,
          bg: Bg.extended,
          underline: (3 << 26) | Colour.palette256 | 9,
          link: model.pen.link,
        },
      ],
      ["link", model.link(model.pen.link), { id: "a", uri: "http://x" }],
      [
        "cell",
        model.normal.line(3).data.slice(6, 9),
        Uint32Array.of(0x250c | (1 << 22), (0x18000000 | Colour.palette16 | 1) >>> 0, Bg.extended),
      ],
      ["combined", model.normal.line(3).combined(4), "\u240a\u0301"],
      ["extended", [model.normal.line(3).underline(4), model.normal.line(3).link(4)], [model.pen.underline, model.pen.link]],
      ["wrapped", model.normal.line(3).wrapped, false],
      ["tabs", model.normal.tabs, [0, 8]],
      ["hidden", model.cursorHidden, true],
      ["mouse", model.mouse, { protocol: "DRAG", encoding: "SGR" }],
      ["joining", model.joining !== 0, true],
      ["origin", model.modes.origin, true],
      ["paste", model.modes.bracketedPaste, true],
      ["cursor keys", model.modes.applicationCursor, true],
    ];
    for (const [what, found, wanted] of expected) {
      if (plain(found) !== plain(wanted)) return `${what} is ${plain(found)}, not ${plain(wanted)}`;
    }
    model.parse(Buffer.from("\x1b[?1049hx"));
    if (model.active !== "alternate" || model.alternate.length !== 4) return "the alternate screen is not where it was";
    return true;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    try {
      model?.dispose();
    } catch {
      // what cannot be disposed of is not ours any more
    }
  }
}

function plain(value: unknown): string {
  return JSON.stringify(value instanceof Uint32Array ? [...value] : value);
}
