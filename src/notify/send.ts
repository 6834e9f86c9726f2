// Sends one message by one channel: what it needs is read when it is needed, and kept nowhere.
import { addressFault, type Channel, type Destination, isLoopback } from "../base/config/channels.ts";
import { hostPattern } from "../base/config/config.ts";
import { printable } from "../base/text/printable.ts";
import { mailText, sendMail } from "./mail.ts";
import type { Message } from "./message.ts";
import { basicLogin, routesOf, unattended, unreachedStatuses } from "./routes.ts";
import { authorityOf, secretOf } from "./secret.ts";
import { type Attempt, webSend } from "./web-send.ts";
import { takesPicture, webhookRequest } from "./webhook-request.ts";

export interface SendEffects {
  /** Runs a command of the user's; answers its exit status, or -1. */
  run(command: readonly string[], variables: Record<string, string>): Promise<number>;
  /** The losses as PNG; undefined: there are none. */
  picture(): Promise<Uint8Array | undefined>;
  /** Of the session that is told of, else the server's. */
  environment: Record<string, string>;
  host: string;
  ssh: readonly string[];
}

/** Never rejects; what it answers has no address and no secret in it, and is one line. */
export async function send(channel: Channel, message: Message, effects: SendEffects): Promise<Attempt> {
  try {
    const attempt = await sendTo(channel.destination, channel.picture, message, effects);
    return { ...attempt, problem: printable(attempt.problem).slice(0, 500) };
  } catch (error) {
    // of ours, in words: a secret that is not there, an address that is none
    return { taken: false, problem: printable(error instanceof Error ? error.message : String(error)).slice(0, 500) };
  }
}

async function sendTo(destination: Destination, withPicture: boolean, message: Message, effects: SendEffects): Promise<Attempt> {
  switch (destination.kind) {
    case "command":
      return byCommand(destination.command, message, effects);
    case "webhook": {
      const picture = withPicture && takesPicture.includes(destination.shape) ? await effects.picture() : undefined;
      return byWeb(destination, message, picture, effects);
    }
    case "email": {
      const { environment, host, ssh } = effects;
      const picture = withPicture ? await effects.picture() : undefined;
      const mail = mailText(message, destination.to, destination.from, host, picture);
      const attempt = await sendMail(mail, destination.mailer, environment);
      if (attempt.unreachable !== true || destination.mailer !== null) return attempt;
      return (await mailElsewhere(mail, environment, ssh)) ?? attempt;
    }
  }
}

async function byCommand(command: readonly string[], message: Message, { run }: SendEffects): Promise<Attempt> {
  const status = await run(command, {
    FALCON_MESSAGE_ID: message.id,
    FALCON_MESSAGE_TITLE: message.title,
    FALCON_MESSAGE_TEXT: message.text,
    FALCON_MESSAGE_EVENTS: JSON.stringify(message.events),
  });
  return status === 0 ? { taken: true, problem: "" } : { taken: false, problem: `the command ended with status ${status}` };
}

async function byWeb(
  { shape, address, token, room, authority }: Extract<Destination, { kind: "webhook" }>,
  message: Message,
  picture: Uint8Array | undefined,
  { environment, ssh }: SendEffects,
): Promise<Attempt> {
  const text = typeof address === "string" ? address : await secretOf(address, environment);
  const fault = addressFault(text);
  if (fault !== undefined) return { taken: false, problem: `what webhook_file or webhook_env gives is ${fault}` };
  const url = new URL(text);
  const { hostname } = url;
  const login = basicLogin(url);
  const secure = url.protocol === "https:";
  // an address of this machine goes over no wire
  if (!secure && !isLoopback(hostname) && (token !== null || login !== undefined || typeof address !== "string"))
    return { taken: false, problem: "its address is http, over which no secret is sent: use https" };
  const authorization = token === null ? login : `Bearer ${await secretOf(token, environment)}`;
  const certificates = authority === null ? undefined : await authorityOf(authority, environment);
  const attempt = (shown: Uint8Array | undefined) => {
    const request = webhookRequest(shape, url, message, room, shown);
    if (authorization !== undefined) request.headers.authorization = authorization;
    return webSend(request, routesOf(environment, secure, hostname, ssh), certificates);
  };
  const whole = await attempt(picture);
  // the words matter more
  return picture !== undefined && whole.less === true ? attempt(undefined) : whole;
}

/** A compute node has no mailer: that of the host that its job was submitted from. undefined: it has none. */
export async function mailElsewhere(
  mail: Buffer,
  environment: Record<string, string>,
  ssh: readonly string[],
): Promise<Attempt | undefined> {
  const submitted = environment.SLURM_SUBMIT_HOST;
  if (submitted === undefined || !hostPattern.test(submitted)) return undefined;
  const mailer = [...ssh, ...unattended, submitted, "/usr/sbin/sendmail"];
  // a host without a mailer ends with 127 as well
  return sendMail(mail, mailer, environment, unreachedStatuses);
}
