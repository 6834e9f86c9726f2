// What tests of the channels have in common: a configuration, files of secrets, and the death of a server.
import fs from "node:fs";
import path from "node:path";
import { until } from "../support/events.ts";
import type { TestHome } from "../support/home.ts";

export function configure(home: TestHome, text: string): void {
  const folder = path.join(home.work, ".config/falcon-sessions");
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, "config.toml"), text);
}

/** A file that only its owner reads. */
export function secretFile(home: TestHome, name: string, text: string): string {
  const file = path.join(home.work, name);
  fs.writeFileSync(file, `${text}\n`, { mode: 0o600 });
  return file;
}

export async function killServer(home: TestHome): Promise<void> {
  process.kill(home.serverPid() as number, "SIGKILL");
  await until(() => home.serverPid() === undefined, "the server to be gone");
}
