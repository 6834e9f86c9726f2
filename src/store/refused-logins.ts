// Logins that other machines refused, kept in the home, so that the next server does not try them by itself
// either: what fails too often locks an account.
import fs from "node:fs";
import { replaceFile } from "../base/replace-file.ts";

export interface RefusedLogin {
  /** The agent (SSH_AUTH_SOCK) it was tried with; "": none. */
  agent: string;
  /** What a person was told of it. */
  problem: string;
}

/** As a Map of names; one that cannot be written is kept in memory alone. */
export class RefusedLogins {
  readonly #file: string;
  readonly #all: Map<string, RefusedLogin>;

  constructor(file: string) {
    this.#file = file;
    this.#all = new Map(read(file));
  }

  get(name: string): RefusedLogin | undefined {
    return this.#all.get(name);
  }

  set(name: string, refused: RefusedLogin): void {
    this.#all.set(name, refused);
    this.#write();
  }

  delete(name: string): void {
    if (this.#all.delete(name)) this.#write();
  }

  #write(): void {
    try {
      replaceFile(this.#file, JSON.stringify(Object.fromEntries(this.#all)));
    } catch {
      // a full disk: the next server tries once more
    }
  }
}

function read(file: string): [string, RefusedLogin][] {
  try {
    const stored = Object.entries(JSON.parse(fs.readFileSync(file, "utf8")) as Record<string, Partial<RefusedLogin> | null>);
    return stored.filter(
      (entry): entry is [string, RefusedLogin] => typeof entry[1]?.agent === "string" && typeof entry[1].problem === "string",
    );
  } catch {
    return [];
  }
}
