// The caller's terminal becomes a viewer of a session, until they leave it or the program ends; then one line
// says where things stand.

import { within } from "../../base/clock.ts";
import { Failure, Status } from "../../base/failure.ts";
import { readsUtf8 } from "../../doctor/terminal.ts";
import { signalNumber } from "../../platform/signals.ts";
import { encodeRules, sequenceRulesVersion } from "../../platform/stream-filter.ts";
import { DirectEnd, tokenLength } from "../../protocol/client.ts";
import { KeptKeys } from "../../session/keys/kept-keys.ts";
import { historyCharacters } from "../../session/keys/key-policy.ts";
import { aimAgentLinkAside, hasAgentLink } from "../../session/life/agent-link.ts";
import type { Session } from "../../session/life/session.ts";
import { asciiTerminal } from "../../session/viewers/ascii-terminal.ts";
import { openHistory } from "../../session/viewers/history-overlay.ts";
import { lineAbove } from "../../session/viewers/leave-hint.ts";
import { notification } from "../../session/viewers/notification.ts";
import type { DirectEvents, ViewerTerminal } from "../../session/viewers/terminal-effects.ts";
import { slowScreen } from "../../session/viewers/viewer.ts";
import { type Leaving, ViewerInput } from "../../session/viewers/viewer-input.ts";
import { leaveTerminal } from "../../session/viewers/viewer-terminal.ts";
import { leavingKeys } from "../../session/viewers/viewer-title.ts";
import { trainerNamed } from "../../trainers/registry.ts";
import { type Call, type Context, InputMode } from "../dispatch/call.ts";
import { endSentence } from "../text/wording.ts";
import { askBeforeLeaving } from "./cannot-detach.ts";
import { takeSignal } from "./outside-signals.ts";
import { tellShown } from "./shown-output.ts";

export interface AttachOptions {
  readOnly: boolean;
  /** Lines of scrollback for the terminal's own. */
  history: number;
  /** False when the terminal is ours already: the server was lost in between. */
  enter: boolean;
  /** Everybody else leaves. */
  takeOver?: boolean;
  /** With `enter` false: the output before this offset is on the terminal already. */
  shown?: number | undefined;
}

/** The hidden command that a client asks of the next server when this one is lost. */
export const resumeAttach = "@attach";

/**
 * So long (ms) an attach waits until the program is led to its agent: what the program is told next may need
 * it.
 */
const agentPatience = 500;

/**
 * Attaches and stays. Answers the program's status when it ended, 0 after a detach.
 * @throws Failure 2 without a terminal.
 */
export async function attachHere(call: Call, context: Context, session: Session, options: AttachOptions): Promise<number> {
  const { terminal, environment } = call.request;
  if (!terminal.stdin || !terminal.stdout) {
    throw new Failure(`attach needs a terminal: 'falcon logs -f ${session.id}' follows the output without one`, Status.usage);
  }
  const inside = environment.FALCON_SESSION || undefined;
  refuseItself(context, session, inside);
  if (options.enter) await whileUnreached(call, session);
  if (call.isGone) return Status.ok;
  if (options.takeOver) session.audience.detachAll("taken-over");
  refuseCrowd(session.id, session.audience.viewers.size);
  const around = inside === undefined ? undefined : context.table.get(inside);
  if (!options.readOnly && hasAgentLink(session.row.environment, session.folder)) {
    await within(
      agentPatience,
      aimAgentLinkAside(session.folder, environment.SSH_AUTH_SOCK).catch(() => false),
    );
  }
  const leaving = await askBeforeLeaving(call, context);
  call.restore(leaveTerminal());
  const again = [resumeAttach, session.id, ...(options.readOnly ? ["--read-only"] : [])];
  const resume = (offset: number | undefined) => call.resume(offset === undefined ? again : [...again, "--shown", `${offset}`]);
  resume(options.shown);
  // the batch system's signal is the run's then: were it the end of this terminal, it would be that of the
  // run, without its model
  if (leaving !== undefined && session.trainer.savesModel) call.forwardSignals(true);
  const own = viewerTerminal(call, context, session.id);
  const terminalOf = readsUtf8(environment) ? own : asciiTerminal(own);
  // one that reads the output itself goes on with that
  const shown = terminalOf.direct === undefined ? tellShown(terminalOf, () => viewer.shown, resume) : undefined;
  const viewed = shown ?? terminalOf;
  const typing = countedTyping(call, options.readOnly ? undefined : session, options.enter);
  const viewer: ViewerInput = new ViewerInput(session, options.readOnly ? undefined : session.program, viewed, {
    cols: Math.max(1, terminal.cols),
    rows: Math.max(1, terminal.rows),
    pid: call.request.pid,
    inside,
    history: options.history,
    enter: options.enter,
    sequences: context.config.programSequences,
    keys: {
      detachKey: context.config.detachKey,
      prefix: context.config.prefix,
      historyCharacters: historyCharacters(context.config.keymap.prefix),
    },
    clock: () => context.clock(),
    steady: () => context.steady(),
    leaveKeys: (keys) => call.leaveKeys(keys),
    keptKeys: typing.keptKeys,
    leaving,
    hint: environment.FALCON_ATTACH_HINT === "off" ? undefined : howToLeave(context, session),
    ...(viewed.direct === undefined
      ? {}
      : {
          ownKeys: {
            open: (set, interrupt, holder) => {
              if (holder !== undefined) context.log("viewer.keys-granted", { session: session.id, pid: call.request.pid });
              call.keysOpen(set, interrupt, holder);
            },
            close: () => call.keysClose(),
          },
        }),
  });
  call.inputMode(InputMode.raw);
  // behind raw mode: whoever reads how to leave may press it at once, and Ctrl-\ would end the client before
  if (options.enter && terminal.stderr) {
    if (around?.live) terminalOf.write(lineAbove(nested(context, around)));
    terminalOf.write(lineAbove(hint(context, session, options.readOnly)));
  }
  viewer.openHistory = () => openHistory(context.archive, session, viewer, context.config.keymap.history);
  call.onInputEnd = () => viewer.finish("detached");
  call.onSize = (cols, rows) => viewer.resize(cols, rows);
  call.onContinued = () => viewer.redraw();
  call.onSignal = (signal) => {
    if (signal === signalNumber("SIGHUP")) viewer.finish("detached");
    else takeSignal(call, context, session, signal);
  };
  void call.gone.then(() => viewer.finish("gone"));
  const serverStops = () => viewer.finish("server-stopped");
  context.stopping.addEventListener("abort", serverStops);
  context.log("viewer.attached", {
    session: session.id,
    pid: call.request.pid,
    cols: terminal.cols,
    rows: terminal.rows,
    readOnly: options.readOnly,
  });
  // one that came back has waited for it
  if (options.enter) await within(slowScreen, session.output.present);
  viewer.begin();
  // of what was on its way to a server that is gone, the holder may have a part
  if (!options.enter) await within(longestCount, typing.counted);
  // what was typed meanwhile (while the client had no server, or this one was adopting) comes now
  call.onInput = (bytes, at) => viewer.type(bytes, at);
  const why = await viewer.over;
  typing.stop();
  shown?.stop();
  context.stopping.removeEventListener("abort", serverStops);
  context.log("viewer.left", { session: session.id, pid: call.request.pid, why });
  return farewell(call, session, why, context.config.notify);
}

/**
 * A holder that stands still is waited for while the terminal is the shell's, also where the watch had it:
 * Ctrl-C leaves there.
 */
async function whileUnreached(call: Call, { row, output }: Session): Promise<void> {
  const reached = output.followed.then(() => true);
  if (await within(slowScreen, reached)) return;
  call.inputMode(InputMode.off);
  call.restore(Buffer.alloc(0));
  call.stderr(`[${row.name}] its holder does not answer, which is waited for · Ctrl-C leaves\n`);
  await Promise.race([reached, call.gone]);
}

/**
 * A holder that has not said within this time (ms) what it has of a client's typing drops by itself what it
 * has; what is typed past its queue goes through it until then (`interruptOnce`).
 */
const longestCount = 200;

/**
 * What a client types is counted by the holder, and kept by the client until the holder has it. `counted`
 * resolves when it is known what it has.
 * @param fresh whether the client comes to it for the first time: then the holder has nothing of it.
 */
function countedTyping(
  call: Call,
  session: Session | undefined,
  fresh: boolean,
): { keptKeys(): KeptKeys | undefined; counted: Promise<void>; stop(): void } {
  const writer = Buffer.from(call.request.token, "hex").readBigUInt64LE(tokenLength / 2);
  let keptKeys: KeptKeys | undefined;
  let taken: number | undefined = fresh ? 0 : undefined;
  let known = () => {};
  const counted = new Promise<void>((resolve) => {
    known = resolve;
  });
  const stop = session?.program.addTypist(writer, {
    taken: (number) => {
      taken = number;
      keptKeys?.taken(number);
      known();
    },
    typed: () => keptKeys?.typed ?? 0,
  });
  if (stop === undefined) known();
  else call.inputTaken(0, 0);
  const make = (before: number): KeptKeys => {
    keptKeys = new KeptKeys(writer, before, { passed: (read, typed) => call.inputTaken(read, typed) });
    if (taken !== undefined) keptKeys.taken(taken);
    return keptKeys;
  };
  return {
    keptKeys: () => keptKeys ?? (stop === undefined || call.typedBefore === undefined ? undefined : make(call.typedBefore)),
    counted,
    stop: () => stop?.(),
  };
}

/** What the client says of the end of its reading. */
const endings: Record<number, Parameters<DirectEvents["ended"]>[0]> = {
  [DirectEnd.asTold]: "told",
  [DirectEnd.sessionOver]: "over",
  [DirectEnd.holderGone]: "gone",
};

/**
 * The client's terminal. It reads the output itself where its filter has our rules, and nobody is to be asked
 * about what programs do.
 */
function viewerTerminal(call: Call, context: Context, id: string): ViewerTerminal {
  const { programSequences, directOutput } = context.config;
  const reading: DirectEvents[] = [];
  call.onDirectAt = ({ offset, blocked }) => {
    if (reading.length === 1) reading[0]?.at(offset, blocked);
  };
  call.onDirectEnded = ({ why }) => reading.shift()?.ended(endings[why] ?? "other");
  void call.gone.then(() => {
    for (const events of reading.splice(0)) events.ended("over");
  });
  const begin = (holder: number, offset: number, tail: Buffer, events: DirectEvents): void => {
    reading.push(events);
    call.direct({ offset, filter: sequenceRulesVersion, rules: encodeRules(programSequences), tail }, holder, () =>
      context.log("viewer.direct-granted", { session: id, pid: call.request.pid, offset }),
    );
  };
  const able = directOutput && call.request.terminal.filter === sequenceRulesVersion && programSequences.clipboard !== "ask";
  return {
    write: (bytes) => call.write(bytes),
    backlog: () => call.backlog(),
    onDrained: (callback) => call.onDrained(callback),
    ...(able ? { direct: { begin, end: () => call.directEnd() } } : {}),
  };
}

/**
 * Viewers of one session: each byte of output is written to each of them, and a few hundred are more than any
 * lecture has.
 */
export const mostViewers = 256;

/** @throws Failure 125 where one more viewer would be too many. */
export function refuseCrowd(id: string, viewers: number): void {
  if (viewers < mostViewers) return;
  throw new Failure(`session ${id} has ${mostViewers} viewers, which is the limit; 'falcon logs -f ${id}' follows it too`);
}

/**
 * A session that shows itself would draw its own screen for ever: directly, or through another session that
 * is seen inside it.
 * @throws Failure 2.
 */
function refuseItself(context: Context, session: Session, inside: string | undefined): void {
  const seen = new Set<string>();
  const queue = inside === undefined ? [] : [inside];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    if (id === session.id) {
      const how = id === inside ? `this is session ${id} itself` : `session ${session.id} is what shows this session`;
      throw new Failure(`${how}: a session cannot be attached inside itself`, Status.usage);
    }
    for (const viewer of context.table.get(id)?.audience.viewers.values() ?? [])
      if (viewer.inside !== undefined) queue.push(viewer.inside);
  }
}

/**
 * The line at the attach: how to leave again. It stands above what the session shows, since the screen is the
 * program's.
 */
function hint(context: Context, session: Session, readOnly: boolean): string {
  return `[${session.row.name}] attached${readOnly ? ", read-only" : ""} · ${howToLeave(context, session)}`;
}

/** The same for the screen's first seconds: what stands above it is out of sight at once. */
function howToLeave({ config }: Context, { row }: Session): string {
  const keys = leavingKeys(trainerNamed(row.trainer), row.command, config);
  const leave = keys === "" ? "no key leaves: the configuration has switched them off" : `${keys} leaves, it goes on`;
  return `${leave} · falcon attach --help lists the keys`;
}

/** What is told in a terminal that is a session already: whose the leaving keys are. */
function nested(context: Context, around: Session): string {
  const { prefix } = context.config;
  const keys =
    prefix === null
      ? ""
      : `; Ctrl-${String.fromCharCode(prefix | 0x40)} leaves that one, pressed twice at once it leaves the one inside it`;
  return `falcon: this terminal is session ${around.id} (${around.row.name}) already${keys}`;
}

/** Puts the terminal back and says in one line what is left behind. */
function farewell(call: Call, session: Session, why: Leaving, tell: boolean): number {
  call.resume(undefined);
  call.forwardSignals(false);
  call.inputMode(InputMode.off);
  call.restore(Buffer.alloc(0));
  const { name } = session.row;
  if (why === "ended") {
    // who attached and looked away is told by the terminal itself
    if (tell) call.write(notification(`${name}: ${endSentence(session)}`));
    call.stderr(`[${name}] ${endSentence(session)} · falcon show ${session.id}\n`);
    return session.end?.status ?? Status.ok;
  }
  if (why === "server-stopped") {
    call.stderr(`[${name}] the session server was stopped, the session goes on · falcon attach ${session.id}\n`);
    return Status.ours;
  }
  if (why === "taken-over") call.stderr(`[${name}] taken over by another terminal · falcon attach ${session.id}\n`);
  else call.stderr(`[${name}] detached, ${session.row.state} · falcon attach ${session.id}\n`);
  return Status.ok;
}
