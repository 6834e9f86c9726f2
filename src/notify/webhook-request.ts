// A message as the request that a service takes: what each of them reads as text stays text, and nobody is
// called by a run's name.
import type { Shape } from "../base/config/channels.ts";
import type { Message } from "./message.ts";

export interface WebRequest {
  method: "POST" | "PUT";
  url: URL;
  headers: Record<string, string>;
  body: Buffer;
}

/** Shapes that take a picture with the message. */
export const takesPicture: readonly Shape[] = ["ntfy", "discord"];

/** @param room of Matrix. @param picture a PNG. */
export function webhookRequest(
  shape: Shape,
  url: URL,
  message: Message,
  room: string | null,
  picture: Uint8Array | undefined,
): WebRequest {
  const { id, title, text } = message;
  switch (shape) {
    case "json":
      return json(url, { id, title, text, urgent: message.urgent, events: message.events }, { "idempotency-key": id });
    case "slack":
      return json(url, { text: slackText(`${title}\n${text}`) });
    case "mattermost":
      return json(url, { text: mattermostText(title, text) });
    case "discord":
      return discord(url, message, picture);
    case "matrix":
      return {
        ...json(matrixUrl(url, room ?? "", id), { msgtype: "m.text", body: `${title}\n${text}`, "m.mentions": {} }),
        method: "PUT",
      };
    case "ntfy":
      return ntfy(url, message, picture);
  }
}

function json(url: URL, value: unknown, headers: Record<string, string> = {}): WebRequest {
  return {
    method: "POST",
    url,
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
    body: Buffer.from(JSON.stringify(value)),
  };
}

/**
 * https://api.slack.com/reference/surfaces/formatting: these three begin all that Slack acts on (links,
 * mentions, <!channel>).
 */
function slackText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/**
 * Markdown, in which a mention is one wherever it stands but in a block of code: an invisible joiner ends it
 * there.
 */
function mattermostText(title: string, text: string): string {
  const plain = (part: string) => part.replace(/[\\`*_{}[\]()#+!|<>~-]/g, "\\$&").replaceAll("@", "@\u2060");
  return `**${plain(title)}**\n${text.split("\n").map(plain).join("\n")}`;
}

/** What fits of a text, in whole characters: each takes as much as `size` says. */
function fitting(text: string, most: number, size: (character: string) => number): string {
  let end = 0;
  let left = most;
  for (const character of text) {
    left -= size(character);
    if (left < 0) break;
    end += character.length;
  }
  return text.slice(0, end);
}

/** Characters of a message: https://discord.com/developers/docs/resources/message#create-message */
const mostOfDiscord = 2_000;

/** Discord reads Markdown, too; mentions are switched off as its documentation says. */
function discord(url: URL, { title, text }: Message, picture: Uint8Array | undefined): WebRequest {
  const escaped = (part: string) => part.replace(/[\\`*_~|<>[\]#]/g, "\\$&");
  const content = escaped(fitting(`${title}\n${text}`, mostOfDiscord, (character) => escaped(character).length));
  const payload = { content, allowed_mentions: { parse: [] } };
  if (picture === undefined) return json(url, payload);
  const form = new Parts();
  form.add('form-data; name="payload_json"', "application/json", Buffer.from(JSON.stringify(payload)));
  form.add('form-data; name="files[0]"; filename="curve.png"', "image/png", picture);
  return {
    method: "POST",
    url,
    headers: { "content-type": `multipart/form-data; boundary=${form.boundary}` },
    body: form.end(),
  };
}

/** The transaction's id makes a repetition the same message: the homeserver sends it once. */
function matrixUrl(homeserver: URL, room: string, id: string): URL {
  return new URL(
    `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/send/m.room.message/${encodeURIComponent(id)}`,
    homeserver,
  );
}

/**
 * Bytes of a message, as they stand in JSON: what has 4,096 is a file to ntfy, which many servers refuse, and
 * a JSON body may be twice as long (`message-size-limit`, https://docs.ntfy.sh/config/#message-limits).
 */
const mostOfNtfy = 4_095;

/**
 * Text as JSON at the server's root, which takes any character; a picture is the body, and the text stands in
 * headers.
 */
function ntfy(url: URL, { title, text: whole, urgent }: Message, picture: Uint8Array | undefined): WebRequest {
  const text = fitting(whole, mostOfNtfy, (character) => Buffer.byteLength(JSON.stringify(character)) - 2);
  if (picture !== undefined) {
    const headers = {
      title: encodedWord(title),
      message: encodedWord(text.replaceAll("\\n", "\\ n").replaceAll("\n", "\\n")),
      priority: urgent ? "4" : "3",
      filename: "curve.png",
      "content-type": "image/png",
    };
    return { method: "PUT", url, headers, body: Buffer.from(picture) };
  }
  const root = new URL(url);
  const parts = root.pathname.split("/");
  const topic = decodeURIComponent(parts.pop() ?? "");
  root.pathname = `${parts.join("/")}/`;
  return json(root, { topic, title, message: text, priority: urgent ? 4 : 3 });
}

/** A header has ASCII alone (RFC 2047). */
function encodedWord(text: string): string {
  return /^[ -~]*$/.test(text) && !text.includes("=?") ? text : `=?UTF-8?B?${Buffer.from(text).toString("base64")}?=`;
}

/** The parts of a multipart body. */
export class Parts {
  /** Stands in no part: they are base64, JSON, or a PNG in which 16 random letters do not come about. */
  readonly boundary = `falcon-${[...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(36)).join("")}`;
  readonly #pieces: Uint8Array[] = [];

  add(disposition: string, type: string, body: Uint8Array, headers: readonly string[] = []): void {
    const head = [`--${this.boundary}`, `Content-Disposition: ${disposition}`, `Content-Type: ${type}`, ...headers, "", ""].join(
      "\r\n",
    );
    this.#pieces.push(Buffer.from(head), body, Buffer.from("\r\n"));
  }

  end(): Buffer {
    return Buffer.concat([...this.#pieces, Buffer.from(`--${this.boundary}--\r\n`)]);
  }
}
