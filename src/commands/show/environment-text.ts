// The stored environment of a session, for `falcon show --env`: what looks like a key is not shown.
import { printable } from "../../base/text/printable.ts";

/** Names that promise a secret. */
const secretName =
  /KEY|TOKEN|SECRET|PASS(WORD|WD|PHRASE)?$|PASSWORD|PASSPHRASE|CREDENTIAL|COOKIE|PRIVATE|(^|_)(AUTH|PWD|PAT|SID)$|DSN$/i;
/** Names that match the above, and whose values are known to be none. */
const plainName = /^(PWD|OLDPWD|SSH_AUTH_SOCK|XAUTHORITY|GPG_AGENT_INFO|KEYTIMEOUT|SSH_ASKPASS|GIT_ASKPASS|SUDO_ASKPASS)$/;

/** How well-known keys begin. Sources: the issuers' pages on secret scanning. */
const secretStart =
  /^(sk-|sk_live_|rk_live_|pk_live_|gh[pousr]_|github_pat_|glpat-|glrt-|xox[abeprs]-|AKIA|ASIA|AIza|ya29\.|eyJ[\w-]+\.|hf_|npm_|pypi-|dop_v1_|SG\.|shpat_|-----BEGIN )/;
/**
 * A password in a URL. Found by what stands behind the scheme: a scheme of any length would be looked for
 * from each of its letters on.
 */
const urlPassword = /([\w+.-]:\/\/[^\s:/@]*:)([^\s/@]+)(?=@)/g;
/** Shortest run of characters that is looked at for chance: keys have 128 bits or more. */
const longRun = /[\w+/=-]{24,}/g;

/**
 * `NAME=value` by line, sorted by name; control characters in values are written as escapes, so that a value
 * is one line.
 */
export function environmentText(environment: Readonly<Record<string, string>>): string {
  return Object.entries(maskedEnvironment(environment))
    .map(([name, value]) => `${name}=${printable(value)}\n`)
    .join("");
}

/** The environment, sorted by name, with what looks like a key replaced. */
export function maskedEnvironment(environment: Readonly<Record<string, string>>): Record<string, string> {
  const names = Object.keys(environment).sort();
  return Object.fromEntries(names.map((name) => [name, masked(name, environment[name] as string)]));
}

function masked(name: string, value: string): string {
  if (value === "") return value;
  if (plainName.test(name)) return value;
  if (secretName.test(name) || secretStart.test(value)) return `(hidden, ${value.length} characters)`;
  const withoutPasswords = value.replace(urlPassword, "$1(hidden)");
  const runs = withoutPasswords.match(longRun) ?? [];
  return runs.some(looksRandom) ? `(hidden, ${value.length} characters)` : withoutPasswords;
}

/**
 * Whether a run of characters is a key rather than a path, a name or a date: how often letters, digits and
 * cases take turns, in a random run at about
 * every second place, in words and numbers seldom. Separators do not count, since paths have them everywhere.
 */
function looksRandom(run: string): boolean {
  const plain = run.replace(/[^A-Za-z0-9]/g, "");
  if (plain.length < 20 || !/\d.*\d/.test(plain) || !/[A-Za-z].*[A-Za-z]/.test(plain)) return false;
  let turns = 0;
  for (let i = 1; i < plain.length; i++) if (kind(plain[i] as string) !== kind(plain[i - 1] as string)) turns++;
  return turns / plain.length > (/^[0-9a-f]+$/i.test(plain) ? 0.25 : 0.3);
}

function kind(character: string): number {
  if (/[0-9]/.test(character)) return 0;
  return /[a-z]/.test(character) ? 1 : 2;
}
