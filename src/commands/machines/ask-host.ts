// Asks a machine what it has: one ssh that asks nobody for a login, within a time that a list may take.

import { spawnOutside, wasMissing } from "../../base/aside/outside-program.ts";
import type { Config } from "../../base/config/config.ts";
import type { Answer } from "../../session/machines/asked-hosts.ts";
import { farCommand, sentHere } from "./reach.ts";

/** A machine that has not answered by then (ms) is not waited for. */
const longestQuestion = 3_000;
/** So much of an answer (bytes) is read: 60 rosters of the greatest length. */
const mostAnswer = 8 << 20;
/** What holds the output of a way that has ended, a master connection, is not waited for longer (ms). */
const drains = 200;

/** The command that answers such a question. */
export const rosterCommand = "@roster";

/** Never rejects. @param words that follow the command. @param masters see farCommand. */
export function askHost(
  config: Pick<Config, "ssh" | "reach">,
  name: string,
  environment: Readonly<Record<string, string>>,
  masters: string | undefined,
  words: readonly string[] = [],
): Promise<Answer> {
  const place = { host: name, job: null, asked: true };
  const argv = farCommand(config, place, [sentHere, rosterCommand, ...words], "program", { masters });
  return new Promise((resolve) => {
    const [program, ...args] = argv as [string, ...string[]];
    // a group of its own, so that what the way has started ends with it
    const child = spawnOutside(program, args, { cwd: "/", env: environment, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    // Node makes no pipes where there are too many files open, and tells the error after this
    const pipes = child as Partial<Pick<typeof child, "stdout" | "stderr">>;
    const said = { stdout: "", stderr: "" };
    let limit: NodeJS.Timeout | undefined;
    const done = (status: number | null) => {
      clearTimeout(limit);
      pipes.stdout?.destroy();
      pipes.stderr?.destroy();
      if (wasMissing(status, said.stderr)) said.stderr = `${program} is not on PATH here`;
      resolve({ status, ...said });
    };
    const end = () => {
      try {
        process.kill(-(child.pid as number), "SIGKILL");
      } catch {
        // it has ended
      }
      done(null);
    };
    for (const which of ["stdout", "stderr"] as const) {
      pipes[which]?.setEncoding("utf8").on("data", (text: string) => {
        said[which] += text;
        if (said[which].length > mostAnswer) end();
      });
    }
    limit = setTimeout(end, longestQuestion);
    child.on("error", (error) => {
      said.stderr = `${program}: ${error.message}`;
      done(126);
    });
    child.on("exit", (status) => {
      const ended = status ?? 255;
      child.on("close", () => done(ended));
      setTimeout(() => done(ended), drains).unref();
    });
  });
}
