// Time of every command, from its start until it has ended, with a running server and a few sessions.

import { falcon } from "../../support/paths.ts";
import { amount, type Bench, type Measure } from "../bench.ts";
import type { Command } from "../drivers.ts";
import type { Figure } from "../figures.ts";
import { median } from "../figures.ts";
import { makeSide, type SideName } from "../sides.ts";

/** Ours with what a peer has for it; `ID` stands for the session. */
const pairs: { ours: string[]; title: string; peers: Partial<Record<SideName, string[]>> }[] = [
  { title: "falcon sessions", ours: ["sessions"], peers: { tmux: ["ls"], screen: ["-ls"] } },
  { title: "falcon sessions --json", ours: ["sessions", "--json"], peers: {} },
  {
    title: "falcon show",
    ours: ["show", "ID"],
    peers: { tmux: ["display-message", "-p", "-t", "ID", "#{session_name} #{window_width}"] },
  },
  { title: "falcon show --json", ours: ["show", "ID", "--json"], peers: {} },
  { title: "falcon logs -n 100", ours: ["logs", "ID", "-n", "100"], peers: { tmux: ["capture-pane", "-p", "-t", "ID"] } },
  {
    title: "falcon send",
    ours: ["send", "ID", "x"],
    peers: { tmux: ["send-keys", "-t", "ID", "x"], screen: ["-S", "ID", "-X", "stuff", "x"] },
  },
  { title: "falcon rename", ours: ["rename", "ID", "again"], peers: { tmux: ["rename-session", "-t", "ID", "again"] } },
  { title: "falcon run -d -- true", ours: ["run", "-d", "--", "/bin/true"], peers: { tmux: ["new-session", "-d", "/bin/true"] } },
  { title: "falcon server status", ours: ["server", "status"], peers: { tmux: ["display-message", "-p", "#{pid}"] } },
  { title: "falcon --version", ours: ["--version"], peers: { tmux: ["-V"] } },
  { title: "falcon --help", ours: ["--help"], peers: {} },
  { title: "falcon doctor", ours: ["doctor"], peers: {} },
  { title: "falcon init bash", ours: ["init", "bash"], peers: {} },
  { title: "falcon attach, not a terminal (refused)", ours: ["attach", "ID"], peers: { tmux: ["attach", "-t", "ID"] } },
];

/** Statuses that are right where it is not 0: a refusal, and a doctor who found something. */
const rightStatuses: Record<string, number[]> = { "falcon attach, not a terminal (refused)": [2], "falcon doctor": [0, 1] };

export const commands: Measure = {
  name: "commands",
  title: "time of every command",
  async run(bench: Bench) {
    const count = amount(bench, 20, 5, 1);
    const figures: Figure[] = pairs.map(({ title }) => ({
      measure: title,
      unit: "ms",
      samples: {},
      goals: title === "falcon sessions" ? [{ over: "tmux", atMost: 2 }] : [],
    }));
    const names = (["falcon", "tmux", "screen"] as const).filter((name) => bench.sides.includes(name));
    const sides = names.map((name) => makeSide(name, bench.drivers));
    try {
      const sessions = new Map<SideName, string>();
      const base = new Map<SideName, Command>();
      for (const side of sides) {
        for (let i = 0; i < 3; i++) sessions.set(side.name, (await side.create(["/bin/cat"])).name);
        const list = side.list();
        if (list !== undefined) base.set(side.name, { argv: list.argv.slice(0, -1), env: list.env });
      }
      for (let round = 0; round < bench.rounds; round++) {
        for (const [index, pair] of pairs.entries()) {
          for (const side of sides) {
            const words = side.name === "falcon" ? pair.ours : pair.peers[side.name];
            const start = base.get(side.name);
            const into = figures[index];
            if (words === undefined || start === undefined || into === undefined) continue;
            const id = sessions.get(side.name) ?? "";
            const argv = [
              ...(side.name === "falcon" ? [falcon] : start.argv),
              ...words.map((word) => (word === "ID" ? id : word)),
            ];
            const { times, status } = await bench.drivers.commandTimes({ argv, env: start.env }, count);
            if (words.includes("rename-session")) sessions.set(side.name, "again");
            // Only ours are judged: `screen -ls` exits 1 by its own rules.
            if (side.name === "falcon" && !(rightStatuses[pair.title] ?? [0]).includes(status)) into.note = `exits ${status}`;
            else into.samples[side.name] = [...(into.samples[side.name] ?? []), median(times) / 1e6];
          }
        }
      }
      const node = await bench.drivers.commandTimes(
        { argv: [process.execPath, "-e", "0"], env: { PATH: process.env.PATH ?? "" } },
        10,
      );
      figures.push({ measure: "for comparison: node -e 0", unit: "ms", samples: { bare: node.times.map((time) => time / 1e6) } });
    } finally {
      for (const side of sides) await side.end();
    }
    return figures;
  },
};
