// The web process as the page sees it: the token, what is asked over HTTP, and downloads.
import { type Entered, tokenHeader } from "../wire.ts";

/** Where the token lies: of this tab alone, and gone with it. */
const place = "falcon-token";

let entered: Entered | undefined;

/** The server does not let us in. */
export class NotLetIn extends Error {}

/** Who we are; set by `enter`. */
export function me(): Entered {
  if (entered === undefined) throw new NotLetIn("not let in yet");
  return entered;
}

const link = /^#t=([\w-]+)$/;

/** Whether what stands behind the # of an address is a link's token. */
export function isLink(hash: string): boolean {
  return link.test(hash);
}

/** Takes the token from the address, where it stands once, and shows it to the server. @throws NotLetIn */
export async function enter(): Promise<void> {
  const given = link.exec(location.hash)?.[1];
  if (given !== undefined) {
    // out of the address before anything else: it must not be in the history, nor in a picture of the screen
    history.replaceState(null, "", location.pathname + location.search);
    // a reload shows it again, whatever the answer is
    sessionStorage.setItem(place, given);
  }
  const token = given ?? sessionStorage.getItem(place);
  if (token === null) throw new NotLetIn("This page needs the whole link that 'falcon web' printed.");
  for (let pause = 300; ; pause = Math.min(5_000, pause * 2)) {
    try {
      const response = await fetch("api/enter", { method: "POST", headers: { [tokenHeader]: token } });
      if (response.ok) {
        entered = (await response.json()) as Entered;
        sessionStorage.setItem(place, entered.token);
        return;
      }
      if (response.status === 429) throw new NotLetIn("Too many wrong links were tried: wait a minute.");
      // the link may be a good one: it is this address that 'falcon web' was not told of
      if (response.status === 403 || response.status === 404)
        throw new NotLetIn("This is not the address that 'falcon web' was told: see its --origin and --base-path.");
      if (response.status < 500) {
        sessionStorage.removeItem(place);
        throw new NotLetIn("This link is not valid, or not any more. 'falcon web' prints another one.");
      }
    } catch (error) {
      if (error instanceof NotLetIn) throw error;
    }
    // no network, or a server that is being started
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function ask(path: string, signal: AbortSignal | null = null): Promise<Response> {
  return fetch(`api/${path}`, { headers: { [tokenHeader]: me().token }, signal });
}

/** Why there is nothing; `again`: the same question may be answered a moment later. */
export interface None {
  none: string;
  again?: boolean;
}

/** What the server answers as JSON. @param signal gives it up. */
export async function get<T>(path: string, signal: AbortSignal): Promise<T | None> {
  try {
    const response = await ask(path, signal);
    if (response.ok) return (await response.json()) as T | None;
    return response.status === 404 ? { none: "there is no such run here" } : { none: "the server does not answer", again: true };
  } catch {
    return { none: "there is no connection", again: true };
  }
}

export function isNone(answer: object): answer is None {
  return "none" in answer;
}

/** Saves an export as a file. Answers why that was not possible; undefined: it was. */
export async function download(id: string, format: string): Promise<string | undefined> {
  try {
    const response = await ask(`export/${id}/${format}`);
    if (!response.ok) return ((await response.json().catch(() => ({}))) as { none?: string }).none ?? "this cannot be had";
    const name = /filename="([\w.-]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1] ?? `${id}.txt`;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await response.blob());
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    return undefined;
  } catch {
    return "there is no connection";
  }
}
