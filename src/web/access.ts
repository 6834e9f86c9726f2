// Who may see the page: tokens of the owner, and read-only links to one session. One file each in
// <home>/web, with the token's hash alone, so that whoever reads the folder (a backup) has no token.
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { namesIn } from "../base/names-in.ts";
import { replaceFile } from "../base/replace-file.ts";

/** Bytes of a token: 192 bits, which nobody guesses at any rate. */
export const webTokenBytes = 24;
/** So long (ms) an owner's token is good: a month, as a browser's tab may stay open. */
export const ownerLife = 30 * 86_400_000;
/** Grants that may be there at once: each authentication looks through them. */
export const mostGrants = 256;

/** What a token allows. */
export interface Grant {
  id: string;
  kind: "owner" | "link";
  /** What a person calls it. */
  name: string;
  /** The only session that a link shows; null: all. */
  session: string | null;
  /** ms since 1970. */
  created: number;
  expires: number;
  /** The first browser that comes gets a token of its own, and nobody after it. */
  once: boolean;
  /** SHA-256 of the token, hexadecimal. */
  hash: string;
}

/** There are as many grants as there may be. */
export class TooManyGrants extends Error {}

export class Access {
  readonly #folder: string;
  readonly #clock: () => number;

  /** @param home of the session server; the folder is made with the first grant. */
  constructor(home: string, clock: () => number) {
    this.#folder = path.join(home, "web");
    this.#clock = clock;
  }

  get folder(): string {
    return this.#folder;
  }

  /** @throws TooManyGrants, and what fs throws. */
  grant(wanted: { kind: Grant["kind"]; name: string; session: string | null; life: number; once: boolean }): {
    token: string;
    grant: Grant;
  } {
    if (this.list().length >= mostGrants) throw new TooManyGrants(`there are ${mostGrants} links and tokens, which is the limit`);
    const token = newToken();
    const { life, ...facts } = wanted;
    const created = this.#clock();
    const grant = { id: randomBytes(6).toString("hex"), ...facts, created, expires: created + life, hash: hashOf(token) };
    fs.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    replaceFile(path.join(this.#folder, `g-${grant.id}`), JSON.stringify(grant));
    return { token, grant };
  }

  /** All that hold; those that are over are removed. */
  list(): Grant[] {
    const now = this.#clock();
    return namesIn(this.#folder)
      .filter((name) => name.startsWith("g-"))
      .flatMap((name) => {
        const grant = this.#read(name) as Grant | undefined;
        if (typeof grant?.hash !== "string") return [];
        if (grant.expires > now) return [grant];
        this.revoke(grant);
        return [];
      });
  }

  /** Nobody gets in with it any more; who is in, is sent out by the web process. */
  revoke({ id }: { id: string }): void {
    for (const name of [`g-${id}`, `u-${id}`]) fs.rmSync(path.join(this.#folder, name), { force: true });
  }

  holds({ id }: Grant): boolean {
    const grant = this.#read(`g-${id}`) as Grant | undefined;
    return grant !== undefined && grant.expires > this.#clock();
  }

  /**
   * What a token allows; undefined: nothing. The token of a link for one use allows nothing before it was
   * exchanged, nor after.
   */
  find(token: string): Grant | undefined {
    const hash = hashOf(token);
    return this.list().find((grant) => (grant.once ? this.#exchanged(grant) === hash : grant.hash === hash));
  }

  /**
   * The token to go on with: a link for one use is exchanged for another one, the first time. undefined: it
   * allows nothing.
   */
  enter(token: string): { token: string; grant: Grant } | undefined {
    const known = this.find(token);
    if (known !== undefined) return { token, grant: known };
    const hash = hashOf(token);
    const grant = this.list().find((one) => one.once && one.hash === hash);
    if (grant === undefined) return undefined;
    const own = newToken();
    try {
      fs.writeFileSync(path.join(this.#folder, `u-${grant.id}`), JSON.stringify({ hash: hashOf(own) }), {
        flag: "wx",
        mode: 0o600,
      });
    } catch {
      return undefined; // it was used before
    }
    return this.holds(grant) ? { token: own, grant } : undefined;
  }

  #exchanged({ id }: Grant): string | undefined {
    return (this.#read(`u-${id}`) as { hash?: string } | undefined)?.hash;
  }

  #read(name: string): unknown {
    try {
      return JSON.parse(fs.readFileSync(path.join(this.#folder, name), "utf8"));
    } catch {
      return undefined;
    }
  }
}

function newToken(): string {
  return randomBytes(webTokenBytes).toString("base64url");
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
