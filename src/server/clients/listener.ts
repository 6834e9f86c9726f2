// The server's socket: bound under another name, renamed when it listens, made again when it disappears, open
// to nobody but its owner.
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { Failure } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { peerCredentials } from "../../platform/native.ts";
import { descriptorOf } from "../../platform/own-socket.ts";

/**
 * Longest path of a Unix socket that every system takes (macOS 104 with the NUL); Node truncates longer ones
 * silently (nodejs/node 52347).
 */
export const longestSocketPath = 103;

/** How often the socket's path is looked at (ms): a cleaner of old files may have removed it. */
const pathCheck = 60_000;

export interface ListenerEffects {
  accepted(socket: net.Socket): void;
  readonly log: Log;
  readonly uid: number;
  /** Of the home's folder as it was opened. */
  readonly home: {
    entry(name: string): { kind: string; inode: number } | undefined;
    /** Removes an entry that is ours; with an inode, only that one. */
    remove(name: string, inode?: number): void;
  };
}

export class Listener {
  #path: string;
  #effects: ListenerEffects;
  #server: net.Server | undefined;
  /** Each look at the path; undefined while there is to be no socket: before `listen`, and behind `close`. */
  #check: NodeJS.Timeout | undefined;
  #closed = false;
  #inode = 0;

  constructor(file: string, effects: ListenerEffects) {
    this.#path = file;
    this.#effects = effects;
  }

  /** @throws Failure when the path is too long or cannot be bound, or the server goes meanwhile. */
  async listen(): Promise<void> {
    await this.#bind();
    this.#check = setInterval(() => void this.check(), pathCheck).unref();
  }

  async #bind(): Promise<void> {
    const temporary = `${this.#path}.${process.pid}`;
    if (Buffer.byteLength(temporary) > longestSocketPath) {
      throw new Failure(
        `the socket's path ${temporary} has ${Buffer.byteLength(temporary)} bytes, ` +
          `a Unix socket takes ${longestSocketPath}: set FALCON_SESSIONS_HOME to a shorter folder`,
      );
    }
    this.#effects.home.remove(path.basename(temporary));
    // a client that is told of the next server closes its side at once, and stays until we close ours
    const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => reject(new Failure(`cannot listen at ${temporary}: ${error.message}`)));
      server.listen({ path: temporary, backlog: 511 }, resolve);
    });
    if (this.#closed) {
      server.close(); // which removes the file, too
      throw new Failure("the server goes, and listens to nobody any more");
    }
    server.on("error", (error) => this.#effects.log("listener.failed", { reason: String(error) }));
    fs.chmodSync(temporary, 0o600);
    const made = this.#effects.home.entry(path.basename(temporary))?.inode ?? 0;
    fs.renameSync(temporary, this.#path);
    this.#inode = made;
    // sockets know paths only: that it lies in the folder that we opened is seen afterwards
    if (!this.#ours()) {
      server.close();
      throw new Failure(`${this.#path} is not where it was bound: the folder was exchanged meanwhile`);
    }
    this.#server = server;
  }

  #accept(socket: net.Socket): void {
    try {
      const { uid } = peerCredentials(descriptorOf(socket));
      if (uid !== this.#effects.uid && uid !== 0) throw new Error(`user ${uid} is not the owner`);
    } catch (error) {
      this.#effects.log("listener.refused", { reason: String(error) });
      socket.destroy();
      return;
    }
    this.#effects.accepted(socket);
    socket.resume();
  }

  /** Looks whether our socket is still at its path, and makes it again where it is not. */
  async check(): Promise<void> {
    if (this.#check === undefined || this.#ours()) return;
    this.#effects.log("listener.path-lost", { path: this.#path });
    const old = this.#server;
    try {
      await this.#bind();
      old?.close();
    } catch (error) {
      this.#effects.log("listener.rebind-failed", { reason: String(error) });
    }
  }

  #ours(): boolean {
    try {
      const found = this.#effects.home.entry(path.basename(this.#path));
      return found?.kind === "socket" && found.inode === this.#inode;
    } catch {
      return false;
    }
  }

  /** Stops listening; the path goes too when it is ours. */
  close(): void {
    clearInterval(this.#check);
    this.#check = undefined;
    this.#closed = true;
    this.#effects.home.remove(path.basename(this.#path), this.#inode);
    this.#server?.close();
  }
}
