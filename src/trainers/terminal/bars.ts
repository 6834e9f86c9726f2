// Progress bars in a row of a screen: tqdm, rich, Keras, Lightning (which uses the first two), and PyTorch's
// examples.

/** One bar. `null`: it does not say. */
export interface Bar {
  /** The words before it. */
  label: string;
  done: number | null;
  total: number | null;
  /** 0 to 1. */
  part: number | null;
  /** What it counts: "it" where the program gave it no word. */
  unit: string;
  /** Units a second. */
  rate: number | null;
  /** Seconds. */
  left: number | null;
}

const time = String.raw`(?:\d+:)*\d+(?::\d\d)?|\?|-:--:--`;

/** `desc:  37%|███▋  | 37/100 [00:12<00:21,  3.00it/s, loss=0.1]` */
const tqdm = new RegExp(
  String.raw`^(.*?):?\s*(\d{1,3})%\|.*\|\s*([\d.]+)([kMGT]?)\/([\d.]+)([kMGT]?)\s*\[(?:${time})<(${time})(?:,\s*([^,\]]*))?`,
);
/** `desc: 1390it [00:42, 32.63it/s]`: nobody knows how many there will be. */
const endless = new RegExp(String.raw`^(?:(.*?):)?\s*(\d+)([a-z]+)\s\[(?:${time})(?:,\s*([^,\]]*))?`);
/** `37/100 ━━━━━━━━━━ 12s 15ms/step - loss: 0.1`, and `37/100 [=====>......] - ETA: 12s - loss: 0.1` */
const keras = /^\s*(\d+)\/(\d+)\s+(?:[━╸╺]{5,}|\[[=>.]{5,}\])\s*(?:-\s*)?(?:ETA:\s*)?([\d:]+)s?\b/;
/**
 * `Simulating ━━━━━━╸━━━  63% 0:00:21`, and Lightning's `Epoch 1/2  ━━━━ 20/20 0:00:00 • 0:00:21 255.86it/s`
 */
const rich = new RegExp(
  String.raw`^(.*?)\s*[━╸╺]{5,}\s*(?:(\d+)\/(\d+)\s*)?(?:(\d{1,3})%\s*)?(?:(${time})\b)?(?:\s*•\s*(${time}))?(?:\s+([\d.]+\S+\/s))?`,
);
/** `Train Epoch: 1 [12800/60000 (21%)]	Loss: 0.12` */
const counted = /^(.*?)\[(\d+)\/(\d+)\s*\(\d{1,3}%\)\]/;

const sizes: Readonly<Record<string, number>> = { "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** The bar of a row; undefined where there is none. */
export function barOf(row: string): Bar | undefined {
  const drawn = tqdm.exec(row);
  if (drawn) {
    const [, label = "", percent, done, doneSize = "", total, totalSize = "", left, speed] = drawn;
    const { rate, unit } = rateOf(speed);
    return bar(label, Number(done) * (sizes[doneSize] ?? 1), Number(total) * (sizes[totalSize] ?? 1), {
      unit,
      rate,
      left: secondsOf(left),
      percent: Number(percent),
    });
  }
  const open = endless.exec(row);
  if (open) {
    const { rate } = rateOf(open[4]);
    return {
      label: (open[1] ?? "").trim(),
      done: Number(open[2]),
      total: null,
      part: null,
      unit: open[3] ?? "it",
      rate,
      left: null,
    };
  }
  const steps = keras.exec(row);
  // once a bar is full, Keras shows how long it took
  if (steps) return bar("", Number(steps[1]), Number(steps[2]), { unit: "step", left: secondsOf(steps[3]) });
  const line = rich.exec(row);
  if (line && (line[2] !== undefined || line[4] !== undefined)) {
    const [, label = "", done, total, percent, first, second, speed] = line;
    const { rate, unit } = rateOf(speed);
    return done === undefined
      ? { label, done: null, total: null, part: Number(percent) / 100, unit: "it", rate: null, left: secondsOf(second ?? first) }
      : bar(label, Number(done), Number(total), { unit, rate, left: secondsOf(second) });
  }
  const example = counted.exec(row);
  return example ? bar(example[1] ?? "", Number(example[2]), Number(example[3]), { unit: "sample" }) : undefined;
}

function bar(
  label: string,
  done: number,
  total: number,
  { unit = "it", rate = null, left = null, percent }: Partial<Pick<Bar, "unit" | "rate" | "left">> & { percent?: number },
): Bar {
  const counted = done <= total && total > 0 ? done / total : null;
  const part = counted ?? (percent === undefined ? null : percent / 100);
  return { label: label.trim(), done, total: total > 0 ? total : null, part, unit, rate, left: part === 1 ? 0 : left };
}

/** `3.00it/s`, `2.50s/it`, `?it/s` */
function rateOf(text: string | undefined): { rate: number | null; unit: string } {
  const found = /^\s*([\d.]+|\?)\s*(?:([^\d\s/.][^\s/]*)\/s|s\/(\S+))/.exec(text ?? "");
  if (!found) return { rate: null, unit: "it" };
  const [, value = "", perSecond, each] = found;
  const known = Number(value);
  const unit = perSecond ?? each ?? "it";
  if (!Number.isFinite(known) || known <= 0) return { rate: null, unit };
  return { rate: perSecond === undefined ? 1 / known : known, unit };
}

/** `1:02:03`, `00:21`, `21` as seconds. */
function secondsOf(text: string | undefined): number | null {
  if (text === undefined || !/^[\d:]+$/.test(text)) return null;
  return text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}
