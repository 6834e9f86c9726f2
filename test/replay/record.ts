// Records the output of real programs for the replay test: node --import tsx test/replay/record.ts [NAME
// ...]. Run by hand; the results are committed.
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { program } from "../support/compile.ts";
import { root } from "../support/paths.ts";
import { UserTerminal } from "../support/terminal/terminal.ts";
import { ownFolder } from "./corpus.ts";

interface Script {
  name: string;
  command: string[];
  cols: number;
  rows: number;
  /** What the person at the keyboard does; the recording ends when they are through. */
  acts(terminal: UserTerminal): Promise<void>;
  cwd?: string;
}

/** Longest recording that is kept: the repository holds them. */
const longest = 48_000;

/** A folder with a few files, the same on every machine. */
function demoFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "demo-"));
  fs.writeFileSync(
    path.join(folder, "notes.txt"),
    Array.from({ length: 200 }, (_, i) => `line ${i + 1}: the quick brown fox — ж 日本 é\n`).join(""),
  );
  fs.writeFileSync(
    path.join(folder, "main.c"),
    '#include <stdio.h>\n\n/* A comment. */\nint main(void) {\n\tprintf("héllo\\n");\n\treturn 0;\n}\n',
  );
  fs.mkdirSync(path.join(folder, "sub"));
  return folder;
}

const demo = demoFolder();
/** Programs that list processes are shown this one only: what else runs here is nobody's business. */
const shown = spawn("sleep", ["600"], { stdio: "ignore" });
const shell = ["/bin/bash", "--norc", "--noprofile", "-i"];

/** Types keys, each time once the program has been silent for a moment. */
async function keys(terminal: UserTerminal, ...names: string[]): Promise<void> {
  for (const name of names) {
    await quiet(terminal);
    terminal.key(name);
  }
  await quiet(terminal);
}

async function quiet(terminal: UserTerminal, ms = 150): Promise<void> {
  // a display that is never silent is waited for a little
  for (let seen = -1, turns = 0; seen !== terminal.received.length && turns < 8; turns++) {
    seen = terminal.received.length;
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}

async function lines(terminal: UserTerminal, ...typed: string[]): Promise<void> {
  for (const line of typed) {
    await quiet(terminal);
    terminal.type(`${line}\r`);
  }
  await quiet(terminal);
}

const scripts: Script[] = [
  {
    name: "vim",
    command: ["vim", "-u", "NONE", "-N", "-c", "syntax on", "-c", "set number", "main.c"],
    cols: 80,
    rows: 24,
    acts: async (t) => {
      await keys(t, "G", "o", "i", "f", "Escape", "g", "g", "d", "d", "p", "u", "C-f", "/", "h", "Enter");
      await lines(t, ":split notes.txt", ":set wrap", ":help");
      await keys(t, "C-d", "C-d", "C-u");
      await lines(t, ":qa!");
    },
  },
  {
    name: "vim-insert-mode",
    command: ["vim", "-u", "NONE", "-N", "--cmd", "set t_ti= t_te=", "notes.txt"],
    cols: 60,
    rows: 16,
    acts: async (t) => {
      await keys(t, "C-d", "C-e", "C-e", "C-y", "i", "ж", "Escape", "x", "J");
      await lines(t, ":vsplit", ":q!", ":q!");
    },
  },
  {
    name: "less",
    command: ["less", "-N", "notes.txt"],
    cols: 72,
    rows: 20,
    acts: (t) => keys(t, "Space", "Space", "b", "j", "j", "k", "/", "9", "Enter", "n", "G", "g", "q"),
  },
  { name: "top", command: ["top", "-p", `${shown.pid}`, "-d", "1", "-n", "3"], cols: 90, rows: 20, acts: (t) => quiet(t, 1500) },
  {
    name: "htop",
    command: ["htop", "-p", `${shown.pid}`],
    cols: 100,
    rows: 24,
    acts: (t) => keys(t, "Down", "F", "h", "Escape", "t", "q"),
  },
  {
    name: "mc",
    command: ["mc", "-x", "-S", "default"],
    cols: 80,
    rows: 24,
    acts: async (t) => {
      await keys(t, "Down", "Down", "C-o", "Enter", "C-o", "Tab");
      t.type("\x1b[13~");
      await keys(t, "q");
      t.type("\x1b[21~");
      await keys(t, "Enter");
    },
  },
  {
    name: "nano",
    command: ["nano", "-l", "main.c"],
    cols: 70,
    rows: 18,
    acts: (t) => keys(t, "Down", "Down", "a", "b", "Enter", "C-k", "C-u", "C-w", "h", "Enter", "C-x", "n"),
  },
  {
    name: "shell",
    command: shell,
    cols: 60,
    rows: 12,
    acts: (t) =>
      lines(
        t,
        "PS1='\\[\\e[32m\\]demo\\[\\e[m\\]$ '",
        "cat notes.txt | head -30",
        "ls --color -C",
        "printf '\\e[1;4;38;5;208mattributes\\e[0m \\e[4:3mcurly\\e[0m \\e]8;;http://example.org\\e\\\\link\\e]8;;\\e\\\\\\n'",
        "for i in 1 2 3 4 5; do printf \"\\r[%-10s] $i/5\" $(printf '#%.0s' $(seq $i)); done; echo",
        "echo a very long line that does not fit into sixty columns and therefore has to go on in the next one, twice if possible",
        "clear",
        "exit",
      ),
  },
  {
    name: "footer",
    command: [program("footer"), "8", "8"],
    cols: 100,
    rows: 30,
    acts: async (t) => {
      await t.waitFor("j/k: node");
      await keys(t, "j", "k");
    },
  },
  {
    name: "trainer",
    command: [process.execPath, path.join(root, "dist/trainer.cjs"), "launch", "-o", path.join(demo, "run")],
    cols: 110,
    rows: 40,
    cwd: path.join(root, "examples/gaussian"),
    acts: async (t) => {
      await t.waitFor(/Epoch/);
      await quiet(t, 3000);
      t.key("j");
      await quiet(t, 1500);
      t.key("C-c");
      await t.waitForExit();
    },
  },
  {
    name: "tmux",
    command: ["tmux", "-L", `demo-${process.pid}`, "-f", "/dev/null", "new-session", ...shell],
    cols: 80,
    rows: 24,
    acts: async (t) => {
      await lines(t, "PS1='$ '", "head -40 notes.txt");
      await keys(t, "C-b", '"', "C-b", "%", "C-b", "[", "PageUp", "q");
      await lines(t, "exit", "exit", "exit");
    },
  },
  {
    name: "screen",
    command: ["screen", "-c", "/dev/null", "-S", `demo-${process.pid}`, ...shell],
    cols: 80,
    rows: 24,
    acts: async (t) => {
      await keys(t, "Space");
      await lines(t, "PS1='$ '", "head -40 notes.txt");
      await keys(t, "C-a", "S", "C-a", "Tab", "C-a", "c");
      await lines(t, "exit", "exit");
    },
  },
];

interface Entry {
  name: string;
  file: string;
  cols: number;
  rows: number;
}

fs.mkdirSync(ownFolder, { recursive: true });
const index = path.join(ownFolder, "index.json");
const entries = new Map<string, Entry>(
  fs.existsSync(index) ? (JSON.parse(fs.readFileSync(index, "utf8")) as Entry[]).map((entry) => [entry.name, entry]) : [],
);
const wanted = process.argv.slice(2);
try {
  for (const { name, command, cols, rows, acts, cwd = demo } of scripts) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const terminal = new UserTerminal(command[0] as string, command.slice(1), {
      cols,
      rows,
      cwd,
      env: {
        PATH: process.env.PATH ?? "",
        HOME: demo,
        LANG: "C.UTF-8",
        TERM: "xterm-256color",
        HOSTNAME: "demo",
        LESSHISTFILE: "-",
      },
    });
    try {
      await acts(terminal);
    } finally {
      if (terminal.ended === undefined) {
        terminal.closePty();
        await terminal.exit;
      }
    }
    const data = terminal.received.subarray(0, longest);
    fs.writeFileSync(path.join(ownFolder, `${name}.bin`), data);
    entries.set(`own/${name}`, { name: `own/${name}`, file: `${name}.bin`, cols, rows });
    console.log(`${name}: ${data.length} bytes of ${terminal.received.length}`);
  }
} finally {
  shown.kill();
  fs.rmSync(demo, { recursive: true, force: true });
}
fs.writeFileSync(index, `${JSON.stringify([...entries.values()], undefined, 1)}\n`);
