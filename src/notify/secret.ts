// Reads a secret from where the configuration says that it is: a file that nobody else can read, or a
// variable.
import fs from "node:fs";
import path from "node:path";
import { aside } from "../base/aside/aside.ts";
import { openRegular } from "../base/aside/regular-file.ts";
import type { SecretPlace } from "../base/config/channels.ts";
import { homeOf } from "../base/user.ts";

/** An address or a token has some hundred bytes; certificates of an authority a few thousand each. */
export const longestSecret = 8 << 10;
const longestAuthority = 1 << 20;

/** @throws Error in words that complete `webhook_file: …`. */
const readPrivate = aside(
  "secretFile",
  (file: string) => read(file, longestSecret, true),
  ([file]) => file,
);
const readOpen = aside(
  "authorityFile",
  (file: string) => read(file, longestAuthority, false),
  ([file]) => file,
);

/** The secret, without the line end behind it. @throws Error with what is wrong, without any of it. */
export async function secretOf(place: SecretPlace, environment: Readonly<Record<string, string | undefined>>): Promise<string> {
  if ("variable" in place) {
    const value = environment[place.variable];
    if (!value) throw new Error(`the environment has no ${place.variable}`);
    return checked(value, place.variable);
  }
  return checked(await readPrivate(inHome(place.file, environment)), place.file);
}

/** Certificates, which are no secret. @throws Error */
export function authorityOf(file: string, environment: Readonly<Record<string, string | undefined>>): Promise<string> {
  return readOpen(inHome(file, environment));
}

function inHome(file: string, environment: Readonly<Record<string, string | undefined>>): string {
  return file.startsWith("~/") ? path.join(homeOf(environment), file.slice(2)) : file;
}

function checked(text: string, where: string): string {
  const secret = text.trim();
  if (secret === "") throw new Error(`${where} is empty`);
  if (/[^\x21-\x7e]/.test(secret)) throw new Error(`${where} has more in it than one word of ASCII`);
  return secret;
}

function read(file: string, longest: number, secret: boolean): string {
  let fd: number;
  try {
    fd = openRegular(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`${file} cannot be read (${code === "ENOENT" ? "it is not there" : code})`);
  }
  try {
    const { uid, mode, size } = fs.fstatSync(fd);
    if (secret && uid !== process.geteuid?.()) throw new Error(`${file} belongs to another user`);
    if (secret && (mode & 0o077) !== 0) throw new Error(`${file} can be read by others: chmod 600 it`);
    if (size > longest) throw new Error(`${file} has ${size} bytes, more than the ${longest} that are read`);
    return fs.readFileSync(fd, "utf8");
  } finally {
    fs.closeSync(fd);
  }
}
