// The proof of the replay: every recording is cut at many places; a terminal that was fed all must equal one
// that was fed replay and rest.
// Usage: node --import tsx test/replay/run.ts [--short] [--dirty] [--only PATTERN] [--verbose]
//   --short: fewer cuts, for every change (about a minute)
//   --dirty: the second terminal is as a shell may leave it
import { Screen } from "../../src/terminal/model/screen.ts";
import { corpusFolder, cuts, ownFolder, type Recording, recordings } from "./corpus.ts";
import { cannotBeRight } from "./known.ts";
import { compare, type Difference, isVisible, type State, UserScreen } from "./user-screen.ts";

const has = (option: string) => process.argv.includes(option);
const value = (option: string) => (has(option) ? process.argv[process.argv.indexOf(option) + 1] : undefined);
const short = has("--short");
const only = value("--only");

/** Fixed cuts of a recording; as many random ones come on top. */
const fixedCuts = short ? 3 : 12;

/** After an attach the terminals are compared at once, at this many later cuts, and at the end. */
const laterMarks = short ? 1 : 4;

/** Modes, attributes and text as a shell or a killed program may leave them. */
const dirt = Buffer.from(
  'user@host:~$ old text\r\n\x1b[31mmore\x1b[0m\r\nuser@host:~$ falcon attach 1\r\n\x1b[2;5r\x1b[?6h\x1b[4h\x1b[?7l\x1b[1;31;44;4:3m\x1b(0\x0e\x1b)A\x1b[?1h\x1b=\x1b[?2004h\x1b[?1002h\x1b[?1006h\x1b[?1004h\x1b]8;;http://x\x07\x1b7\x1b[20h\x1b[?45h\x1b[?25l\x1b[?5h\x1b[1"q\x1b[4 q\x1b[?2026h',
);

/** What is not compared where the terminal was dirty: it has scrollback and settings of its own. */
const dirtyFacts = /^scrollback|^directory$/;

interface Failure {
  recording: string;
  cut: number;
  differences: Difference[];
  later: boolean;
}

const score = { recordings: 0, cases: 0, inside: 0, full: 0, visible: 0, attach: 0, answers: 0 };
const failures: Failure[] = [];
const excused: Failure[] = [];

function judge(recording: Recording): void {
  const { name, cols, rows, data } = recording;
  const places = cuts(recording, fixedCuts);
  const marks = [...places, data.length];
  const screen = new Screen({ cols, rows, scrollback: 1000 });
  const whole = new UserScreen(cols, rows);
  const states: State[] = [];
  const attaches: Buffer[] = [];
  let at = 0;
  for (const mark of marks) {
    const chunk = data.subarray(at, mark);
    whole.feed(chunk);
    screen.feed(chunk);
    at = mark;
    states.push(whole.state());
    const { first, history, tail } = screen.snapshot(1000);
    if (tail.length > 0 && mark < data.length) score.inside++;
    attaches.push(Buffer.concat([first, history, tail]));
  }
  places.forEach((cut, i) => {
    const joined = new UserScreen(cols, rows);
    if (has("--dirty")) joined.feed(dirt);
    joined.terminal.onData((answer) => {
      score.answers += answer.length;
    });
    judgeOne(
      name,
      cut,
      joined,
      attaches[i] as Buffer,
      () => {
        let fed = cut;
        const later = marks.slice(i + 1, i + 1 + laterMarks);
        if (later.at(-1) !== data.length) later.push(data.length);
        return later.map((mark) => {
          const rest = data.subarray(fed, mark);
          fed = mark;
          return [rest, states[marks.indexOf(mark)] as State];
        });
      },
      states[i] as State,
    );
    joined.dispose();
  });
  score.recordings++;
  screen.dispose();
  whole.dispose();
}

function judgeOne(
  recording: string,
  cut: number,
  joined: UserScreen,
  attach: Buffer,
  later: () => [Buffer, State][],
  expected: State,
): void {
  const differ = (state: State) =>
    compare(state, joined.state()).filter(({ what }) => !(has("--dirty") && dirtyFacts.test(what)));
  joined.feed(attach);
  let differences = differ(expected);
  let visible = !differences.some(isVisible);
  let wasLater = false;
  if (differences.length === 0) score.attach++;
  // what the replay itself makes the terminal say would reach the program as keys: the rest may ask, the
  // replay may not
  for (const [rest, state] of later()) {
    const answers = score.answers;
    joined.feed(rest);
    score.answers = answers;
    const found = differ(state);
    visible &&= !found.some(isVisible);
    if (differences.length === 0 && found.length > 0) {
      differences = found;
      wasLater = true;
    }
  }
  score.cases++;
  if (visible) score.visible++;
  if (differences.length === 0) {
    score.full++;
    return;
  }
  const failure: Failure = { recording, cut, differences, later: wasLater };
  (cannotBeRight(recording, differences) ? excused : failures).push(failure);
  if (has("--verbose")) console.log(describe(failure));
}

function describe({ recording, cut, differences, later }: Failure): string {
  return `${recording}@${cut}${later ? " (later)" : ""}: ${differences
    .slice(0, 4)
    .map(({ what, detail }) => `${what}: ${detail}`)
    .join("; ")
    .slice(0, 400)}`;
}

function percent(part: number, of: number): string {
  return `${part}/${of} = ${((100 * part) / of).toFixed(2)} %`;
}

const own = recordings(ownFolder);
const corpus = recordings(corpusFolder);
if (corpus.length === 0)
  console.log(`No corpus in ${corpusFolder} (FALCON_CORPUS): only the project's own recordings are judged.`);
const chosen = [...own, ...corpus].filter(
  ({ name, data }) => data.length > 1 && (only === undefined || new RegExp(only).test(name)),
);
if (chosen.length === 0) {
  console.error(only === undefined ? `No recordings in ${ownFolder}.` : `No recording matches ${only}.`);
  process.exit(1);
}
const started = performance.now();
for (const recording of chosen) judge(recording);
const seconds = ((performance.now() - started) / 1000).toFixed(0);

console.log(
  `${score.recordings} recordings (${own.length} own, ${corpus.length} of the corpus), ${score.cases} cases, ${score.inside} of them cut inside a sequence or character, ${seconds} s`,
);
console.log(`FULL     ${percent(score.full, score.cases)}   all state, at the attach and at every later mark`);
console.log(`VISIBLE  ${percent(score.visible, score.cases)}   cells, attributes, cursor, all the way`);
console.log(
  `at the attach alone: ${percent(score.attach, score.cases)}; bytes that replays made the terminal answer: ${score.answers}`,
);
report("cannot be right (test/replay/known.ts says why)", excused);
report("MISMATCHES", failures);
process.exit(failures.length > 0 || score.answers > 0 ? 1 : 0);

function report(title: string, list: Failure[]): void {
  if (list.length === 0) return;
  console.log(`${title}: ${list.length}`);
  const causes = new Map<string, Failure[]>();
  for (const failure of list) {
    const cause = failure.differences[0]?.what ?? "";
    causes.set(cause, [...(causes.get(cause) ?? []), failure]);
  }
  for (const [cause, of] of [...causes].sort((a, b) => b[1].length - a[1].length)) {
    const names = [...new Set(of.map(({ recording }) => recording))];
    console.log(
      `  ${of.length} ${cause}, in ${names.slice(0, 8).join(", ")}${names.length > 8 ? ` and ${names.length - 8} more` : ""}`,
    );
    console.log(`    e.g. ${describe(of[0] as Failure)}`);
  }
}
