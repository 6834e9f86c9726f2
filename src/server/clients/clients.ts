// The clients that are connected to a server: which are served, which bring a newer server, and how all are
// sent to the next one.
import fs from "node:fs";
import type { Socket } from "node:net";
import path from "node:path";
import { within } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Call } from "../../commands/dispatch/call.ts";
import { mostDescriptors, shortfall, systemAllowance } from "../../platform/allowance.ts";
import { nativeFolder } from "../../platform/native-files.ts";
import { descriptorOf } from "../../platform/own-socket.ts";
import { clientProtocol, type Hello } from "../../protocol/client.ts";
import { noVersion } from "../../protocol/own-request.ts";
import { isNewer } from "../version.ts";
import { Handshakes } from "./handshakes.ts";
import { Peer } from "./peer.ts";

/**
 * A request that comes again so often has not found a server that can give it more (another client was first
 * with one, or the installation's own Node is started with less): then its run starts with what there is, and
 * says so.
 */
const mostMakings = 3;

/**
 * So long (ms) the clients of a server that goes wait for the one that a newer client starts, which is looked
 * for this often.
 */
const longestHandOver = 3_000;
const handOverLook = 20;

/** So long (ms) clients that were sent away are waited for, whatever they were told. */
const longestGoing = 10_000;

export interface ClientEffects {
  readonly home: string;
  readonly root: string;
  readonly version: string;
  readonly log: Log;
  /** Looks whether the home is still the one that was opened. */
  lookBeforeUse(): void;
  /** Whether the server is on its way out, and whether to another one. */
  ending(): boolean;
  handingOver(): boolean;
  /** A command of this machine's user is about to run. */
  claim(): void;
  run(call: Call): Promise<number | undefined>;
  /** Ends the server; `first` starts the next one. */
  upgrade(first?: Peer): Promise<void>;
  /** A client came or went. */
  changed(): void;
}

export class Clients {
  readonly #effects: ClientEffects;
  readonly #peers = new Set<Peer>();
  readonly #handshakes: Handshakes;
  /** Clients that were sent to the next server, each of which starts one where there is none. */
  sentAway = 0;

  constructor(effects: ClientEffects) {
    this.#effects = effects;
    this.#handshakes = new Handshakes(mostDescriptors(systemAllowance), effects.log);
  }

  get count(): number {
    return this.#peers.size;
  }

  /** Lets nobody in any more. */
  close(): void {
    this.#handshakes.dispose();
  }

  accept(socket: Socket): void {
    this.#effects.lookBeforeUse();
    if (this.#effects.ending()) return void socket.destroy();
    const handshake = { fd: descriptorOf(socket), end: () => void socket.destroy() };
    this.#handshakes.began(handshake);
    const peer = new Peer(socket, {
      identified: () => this.#handshakes.finished(handshake),
      pid: process.pid,
      version: this.#effects.version,
      run: (call) => this.#run(call),
      foreign: (peer, hello) => this.#foreign(peer, hello),
      log: this.#effects.log,
    });
    this.#peers.add(peer);
    this.#effects.changed();
    void peer.gone.then(() => {
      this.#handshakes.finished(handshake);
      this.#peers.delete(peer);
      this.#effects.changed();
    });
  }

  /**
   * A client that speaks another protocol: a newer one brings its own server; of an older one the request is
   * read, and it becomes ours.
   */
  #foreign(peer: Peer, { version, protocol }: Hello): boolean {
    this.#effects.log("server.client-refused", { version, protocol, server: this.#effects.version });
    if (!isNewer(version, this.#effects.version)) return false;
    void this.#effects.upgrade(peer);
    return true;
  }

  async #run(call: Call): Promise<number | undefined> {
    const { request } = call;
    if (this.#effects.ending()) {
      // who came while this server was on its way out goes to the next one, with the others where they wait
      // for it
      if (call instanceof Peer) this.#effects.handingOver() ? call.announceNext() : call.reconnect();
      return undefined;
    }
    if (isNewer(request.version, this.#effects.version)) {
      this.#effects.log("server.upgrade-requested", { client: request.version, server: this.#effects.version });
      await this.#effects.upgrade(call instanceof Peer ? call : undefined);
      return undefined;
    }
    this.#effects.claim();
    // whose own installation starts none is answered: with this server the deadlines' watch would go, too
    if (request.version !== noVersion && (await this.#uprooted())) {
      this.#effects.log("server.root-lost", { root: this.#effects.root, client: request.version });
      await this.#effects.upgrade(call instanceof Peer ? call : undefined);
      return undefined;
    }
    if (request.protocol !== clientProtocol) {
      call.exec(path.join(nativeFolder, "falcon"), [request.name, ...request.arguments]);
      return undefined;
    }
    return this.#effects.run(call);
  }

  /**
   * Whether what this server was installed from is gone, as an environment that was deleted: the client's own
   * installation is there, and takes over.
   */
  async #uprooted(): Promise<boolean> {
    try {
      await fs.promises.access(path.join(this.#effects.root, "dist", "server.cjs"));
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "ENOENT";
    }
  }

  async makeWay(call: Call): Promise<{ gone: boolean; lacks: readonly string[] }> {
    const { request } = call;
    const { lacks, callerIsBetter } = shortfall(request, systemAllowance);
    const again = request.sentBefore ?? 0;
    if (!callerIsBetter || again >= mostMakings || !(call instanceof Peer)) return { gone: false, lacks };
    this.#effects.log("server.restart-requested", { lacks, again });
    await this.#effects.upgrade(call);
    return { gone: true, lacks };
  }

  /**
   * Sends all away, and waits until they have gone. One that stands still (Ctrl+Z) finds all that it was told
   * in its socket later: it is waited for as long as that does not take it.
   * @param first starts the next server before the others, with older ones of their own, can.
   */
  async sendAway(farewell: (peer: Peer) => void, first?: Peer): Promise<void> {
    const peers = [...this.#peers];
    this.sentAway = peers.length;
    if (first !== undefined) {
      // the others read no more keys, and go when the new server listens
      for (const peer of peers) if (peer !== first) peer.announceNext();
      first.reconnect();
      const socket = path.join(this.#effects.home, "server.sock");
      for (let waited = 0; waited < longestHandOver && !fs.existsSync(socket); waited += handOverLook)
        await new Promise((resolve) => setTimeout(resolve, handOverLook));
    }
    for (const peer of peers) farewell(peer);
    await within(longestGoing, Promise.all(peers.map((peer) => peer.gone)));
    const allTaken = (peer: Peer) => new Promise<void>((resolve) => peer.onDrained(resolve));
    await Promise.all(peers.map((peer) => Promise.race([peer.gone, allTaken(peer)])));
  }
}
