// A message as an e-mail, given to the system's mailer: a program that takes it as sendmail does, and sends
// it when it can.
import { letGoOfStderr, spawnOutside, wasMissing } from "../base/aside/outside-program.ts";
import type { Message } from "./message.ts";
import type { Attempt } from "./web-send.ts";
import { Parts } from "./webhook-request.ts";

/**
 * Tried in this order where the configuration names none: where Debian, Fedora and macOS have it, then by
 * PATH.
 */
const mailers: readonly (readonly string[])[] = [["/usr/sbin/sendmail"], ["/usr/lib/sendmail"], ["sendmail"], ["msmtp"]];
/**
 * -t: to whom stands in the message, and not in the list of processes; -i: a line with a dot alone is no end.
 */
const mailerOptions = ["-i", "-t"];
/** A mailer that speaks with its server itself (msmtp) may wait for it; after this (ms) it is ended. */
export const longestMailing = 120_000;
/** Of what it says for itself so much is kept (bytes). */
const mostSaid = 2_000;

/** @param host this machine, of which the message's id is. */
export function mailText(
  message: Message,
  to: readonly string[],
  from: string | null,
  host: string,
  picture: Uint8Array | undefined,
): Buffer {
  const { id, title, text, time } = message;
  const head = [
    ...(from === null ? [] : [`From: ${from}`]),
    `To: ${to.join(", ")}`,
    `Subject: ${folded(title)}`,
    `Date: ${new Date(time).toUTCString().replace("GMT", "+0000")}`,
    // the same at each attempt: a mailbox that has it knows it
    `Message-ID: <${id}@${host.replace(/[^A-Za-z0-9.-]/g, "-") || "localhost"}>`,
    "Auto-Submitted: auto-generated",
    "MIME-Version: 1.0",
  ];
  const body = Buffer.from(inLines(Buffer.from(`${text}\n`)));
  if (picture === undefined) {
    head.push("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64", "", "");
    return Buffer.concat([Buffer.from(head.join("\n")), body]);
  }
  const parts = new Parts();
  parts.add("inline", "text/plain; charset=utf-8", body, ["Content-Transfer-Encoding: base64"]);
  parts.add('attachment; filename="curve.png"', "image/png", Buffer.from(inLines(picture)), [
    "Content-Transfer-Encoding: base64",
  ]);
  head.push(`Content-Type: multipart/mixed; boundary="${parts.boundary}"`, "", "");
  // a mailer takes lines as this system has them, and sends them as the network wants them
  return Buffer.from(`${head.join("\n")}${parts.end().toString("latin1").replaceAll("\r\n", "\n")}`);
}

/**
 * A header's words: pieces that RFC 2047 allows (75 characters each), none of which ends within a character.
 */
function folded(text: string): string {
  if (/^[ -~]*$/.test(text) && !text.includes("=?")) return text;
  const pieces: string[] = [];
  let piece = "";
  for (const character of text) {
    if (Buffer.byteLength(piece + character) > 42) {
      pieces.push(piece);
      piece = "";
    }
    piece += character;
  }
  return [...pieces, piece].map((part) => `=?UTF-8?B?${Buffer.from(part).toString("base64")}?=`).join("\n ");
}

function inLines(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString("base64")
    .replace(/.{1,76}/g, "$&\n");
}

/** @param mailer null: the system's. @param nowhere statuses by which it says that it came to no mailer. */
export async function sendMail(
  mail: Buffer,
  mailer: readonly string[] | null,
  environment: Record<string, string>,
  nowhere: readonly (number | null)[] = [],
): Promise<Attempt> {
  for (const program of mailer === null ? mailers : [mailer]) {
    const attempt = await give(mail, program, environment, nowhere);
    if (attempt !== undefined) return attempt;
  }
  const names = mailer === null ? "sendmail or msmtp" : mailer[0];
  return { taken: false, problem: `this machine has no ${names}`, unreachable: true };
}

/** Undefined: there is no such program. */
function give(
  mail: Buffer,
  [program, ...words]: readonly string[],
  environment: Record<string, string>,
  nowhere: readonly (number | null)[],
): Promise<Attempt | undefined> {
  return new Promise((resolve) => {
    const child = spawnOutside(program as string, [...words, ...mailerOptions], {
      env: environment,
      cwd: "/",
      stdio: ["pipe", "ignore", "pipe"],
      // a group of its own: what it starts ends with it
      detached: true,
    });
    letGoOfStderr(child);
    // Node makes no pipes where there are too many files open, and tells the error after this
    const { stdin, stderr } = child as Partial<Pick<typeof child, "stdin" | "stderr">>;
    let said = "";
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      try {
        process.kill(-(child.pid as number), "SIGKILL");
      } catch {
        // it has just ended
      }
    }, longestMailing);
    stderr?.on("data", (data: Buffer) => {
      said = (said + data.toString("utf8")).slice(0, mostSaid);
    });
    stdin?.on("error", () => {}); // it ended without reading all
    stdin?.end(mail);
    child.once("error", (error) => {
      clearTimeout(timer);
      resolve({ taken: false, problem: `${program} cannot be run (${(error as NodeJS.ErrnoException).code})` });
    });
    child.once("close", (status) => {
      clearTimeout(timer);
      if (status === 0) return resolve({ taken: true, problem: "" });
      if (wasMissing(status, said)) return resolve(undefined);
      const line = said.trim().split("\n").at(-1) ?? "";
      if (late)
        return resolve({ taken: false, problem: `${program} did not end within ${longestMailing / 1000} s`, unsure: true });
      resolve({
        taken: false,
        problem: `${program} ended with status ${status ?? "of a signal"}${line === "" ? "" : `: ${line}`}`,
        ...(nowhere.includes(status) ? { unreachable: true } : {}),
      });
    });
  });
}
