// The page's WebSocket: comes back by itself after sleep, a changed network or a server that was started
// anew.
import type { PageMessage, ServerMessage } from "../wire.ts";
import { me } from "./server.ts";

/** Between attempts (ms): at first, and at most. */
const firstPause = 250;
const longestPause = 5_000;
/** How often the other side is asked whether it is there, and how long its answer may take (ms). */
const askEach = 15_000;
const longestAnswer = 6_000;
/** The end that the server means (RFC 6455, 7.4): asking again would be answered alike. */
const policy = 1008;

/** What a view does with the connection. */
export interface View {
  /** Connected, or connected again: says what it wants to hear. */
  connected(say: (message: PageMessage) => void): void;
  message(message: ServerMessage): void;
  output?(bytes: Uint8Array): void;
  lost?(): void;
  dispose?(): void;
}

export type Standing = "connected" | "connecting" | { refused: string };

export class Connection {
  readonly #standing: (standing: Standing) => void;
  #socket: WebSocket | undefined;
  #view: View | undefined;
  #open = false;
  #pause = firstPause;
  #timer = 0;
  #asked = 0;
  #over = false;

  constructor(standing: (standing: Standing) => void) {
    this.#standing = standing;
    addEventListener("online", () => this.#now());
    addEventListener("pageshow", () => this.#now());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#now();
    });
    setInterval(() => this.#ask(), askEach);
    this.#connect();
  }

  /** The view that hears from now on. */
  show(view: View): void {
    this.#view = view;
    if (!this.#open) return;
    this.say({ do: "leave" });
    view.connected((message) => this.say(message));
  }

  say(message: PageMessage): void {
    if (this.#open) this.#socket?.send(JSON.stringify(message));
  }

  type(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#open) this.#socket?.send(bytes);
  }

  /** The network is there again, or the page is looked at again: no waiting. */
  #now(): void {
    if (this.#over) return;
    if (this.#open) return this.#ask();
    this.#pause = firstPause;
    this.#connect();
  }

  #ask(): void {
    if (!this.#open || this.#asked !== 0) return;
    this.say({ do: "ping" });
    this.#asked = window.setTimeout(() => this.#lost(), longestAnswer);
  }

  #heard(): void {
    clearTimeout(this.#asked);
    this.#asked = 0;
  }

  #connect(): void {
    clearTimeout(this.#timer);
    const before = this.#socket;
    this.#socket = undefined;
    before?.close();
    this.#standing("connecting");
    const socket = new WebSocket(new URL("ws", document.baseURI).href.replace(/^http/, "ws"));
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket.send(JSON.stringify({ do: "hello", token: me().token } satisfies PageMessage));
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (socket !== this.#socket) return;
      this.#heard();
      if (typeof data !== "string") return this.#view?.output?.(new Uint8Array(data));
      const message = JSON.parse(data) as ServerMessage;
      if (message.is !== "welcome") return this.#view?.message(message);
      this.#open = true;
      this.#pause = firstPause;
      this.#standing("connected");
      this.#view?.connected((wanted) => this.say(wanted));
    };
    socket.onclose = ({ code, reason }) => {
      if (socket !== this.#socket) return;
      if (code === policy && /valid|only looks|another run|one run/.test(reason)) return this.#refused(reason);
      this.#lost();
    };
  }

  #refused(why: string): void {
    this.#over = true;
    this.#open = false;
    this.#standing({ refused: why });
  }

  #lost(): void {
    this.#heard();
    const was = this.#open;
    this.#open = false;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    this.#standing("connecting");
    if (was) this.#view?.lost?.();
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#connect(), this.#pause);
    this.#pause = Math.min(longestPause, this.#pause * 2);
  }
}
