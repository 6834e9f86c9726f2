// How another machine of the user's is reached: by the engine that the site has, never by one of ours.
// `reach.NAME` of the configuration says it for one machine; else a session of a Slurm job by a step in that
// job, where this machine's Slurm knows the job, and all others by the user's ssh.
import type { Config } from "../../base/config/config.ts";
import { quoted } from "../../base/text/shell-words.ts";
import type { RemoteSession } from "../../session/machines/remote-session.ts";
import { masterAlive, masterIdle } from "./ssh-masters.ts";

/**
 * Of the far command line and the roster: what the far side of this number understands, every later one does
 * too. 0: before there was a number.
 */
export const farContract = 1;

/** Version of the byte channel (native/remote/relay.h). */
const channelVersion = 1;

/** Where nobody can be asked, an address that does not answer is given up after so long (s). */
const longestConnect = 10;

/**
 * The first word of a command line that another machine sent here: it is done here, or not at all. A contract
 * between versions.
 */
export const sentHere = "@here";
/** As `sentHere`; but it may be done by a machine that shares a roster with the one that it was sent to. */
export const sentToSite = "@site";

/** Where a command is run. */
export interface FarPlace {
  host: string;
  /** The home's, as `falcon @job` names it; null: the machine's own. */
  job: string | null;
  /** It is one of `[hosts] list`: the numbers of its jobs are of another Slurm. */
  asked?: boolean;
  /** Not that machine itself has it, but one that shares a roster with it. */
  behind?: boolean;
}

/**
 * Who runs it: a person with a terminal, or their channel, who may be asked for a login; a program, a channel
 * that is tried without asking first, or one that comes back after the network was lost, which may not. That
 * goes through a master connection where there is one, and `past-master` not, since it may be one of the
 * network that is gone.
 */
type Purpose = "person" | "channel" | "program" | "probe" | "again" | "past-master";

/** Run by the far side's sh: its words are quoted, and none of them is read as a command. */
const farScript = `if [ -n "$1" ]; then cd -- "$1" || exit 125; fi
shift
command -v falcon-sessions >/dev/null 2>&1 || {
  echo "falcon: $(hostname) has no falcon-sessions on the PATH of a shell that is not interactive: put its folder on PATH in ~/.bashrc (before any line that returns) or ~/.zshenv there" >&2
  exit 127
}
exec falcon-sessions "$@"`;

/** A step in the job, where this machine's Slurm knows the job; else the line, which is quoted. */
const inJobOrElse = `job=$1 node=$2 kind=$3 line=$4; shift 4
if command -v srun >/dev/null 2>&1 && scontrol show job "$job" >/dev/null 2>&1; then
  exec srun --overlap --jobid "$job" -N1 -n1 -w "$node" --mem=0 --gres=none --quiet "$kind" "$@"
fi
eval "exec $line"`;

/**
 * What runs `falcon-sessions WORDS` on the far side, as words: quoted they are its shell's command line.
 * @param folder where; "": wherever its shell begins.
 */
function farWords(words: readonly string[], folder: string): string[] {
  return ["sh", "-c", farScript, "sh", folder, ...words];
}

/** The words by which the far side's part of a channel is started. */
function bridgeWords({ job }: FarPlace): string[] {
  return ["bridge", String(channelVersion), job ?? "-"];
}

interface FarOptions {
  /** Where the words are run there; "": wherever its shell begins. */
  folder?: string;
  /** The folder of our master connections (SshMasters); undefined: the user's alone. */
  masters?: string | undefined;
}

/** A command that runs `falcon-sessions WORDS` on another machine. */
export function farCommand(
  config: Pick<Config, "ssh" | "reach">,
  place: FarPlace,
  words: readonly string[],
  purpose: Purpose,
  { folder = "", masters }: FarOptions,
): string[] {
  const { host, job, asked } = place;
  const line = text(farWords(words, folder));
  const own = config.reach[host];
  if (own !== undefined) return [...own, line];
  const ssh = sshCommand(config.ssh, purpose, host, line, masters);
  const number = /^s(\d+)/.exec(job ?? "")?.[1];
  if (number === undefined || asked === true) return ssh;
  const node = host.split(".")[0] as string;
  // a terminal of its own for who types there; else every byte as it comes, not line by line
  const kind = purpose === "person" ? "--pty" : "--unbuffered";
  return ["/bin/sh", "-c", inJobOrElse, "sh", number, node, kind, text(ssh), ...farWords(words, folder)];
}

/** The agent goes nowhere by itself: whoever wants that says it in config key ssh (`ssh -A` is stronger). */
const noAgent = ["-o", "ForwardAgent=no"];
/** Asks nobody anything; with a person who waits, for as long as that takes. */
const probing = ["-T", ...noAgent, "-o", "BatchMode=yes"];
const quiet = [...probing, "-o", `ConnectTimeout=${longestConnect}`];

function sshCommand(ssh: readonly string[], purpose: Purpose, host: string, line: string, masters: string | undefined): string[] {
  const plain = sshWords(ssh, purpose, host, line);
  if (masters === undefined) return plain;
  // lists and commands make a connection that others go through; who may be asked for a login goes
  // through one
  const making =
    purpose === "program" ? ["ControlMaster=auto", `ControlPersist=${masterIdle}`, `ServerAliveInterval=${masterAlive}`] : [];
  const own = [`ControlPath=${masters}/%C`, ...making].flatMap((option) => ["-o", option]);
  const ours = sshWords([...ssh, ...own], purpose, host, line);
  // "Shared connection to node1 closed." says nothing to a person; what a login says (a second factor's
  // instructions) is on the same level, so only where there is none
  const hushed = sshWords([...ssh, ...own, "-o", "LogLevel=ERROR"], purpose, host, line);
  const stands = `${text([...ssh, ...own, "-O", "check", host])} >/dev/null 2>&1`;
  const through = purpose === "person" ? `if ${stands}; then exec ${text(hushed)}; fi; exec ${text(ours)}` : `exec ${text(ours)}`;
  // what is no OpenSSH, or has a place for connections of the user's own, is left as it is
  const script = `told=$(${text([...ssh, "-G", host])} 2>/dev/null)
case $told in
  *"
controlpath none"*) ;;
  *"
controlpath "*) exec ${text(plain)} ;;
esac
case $told in
  *controlmaster*) ${through} ;;
esac
exec ${text(plain)}`;
  return ["/bin/sh", "-c", script];
}

const text = (words: readonly string[]) => words.map(quoted).join(" ");

function sshWords(ssh: readonly string[], purpose: Purpose, host: string, line: string): string[] {
  if (purpose === "person") return [...ssh, "-t", ...noAgent, host, line];
  if (purpose === "channel") return [...ssh, "-T", ...noAgent, host, line];
  if (purpose === "probe") return [...ssh, ...probing, host, line];
  if (purpose === "program") return [...ssh, ...quiet, host, line];
  // one login at most, and none where a master connection stands: a login that fails is not repeated
  const master = `${text([...ssh, "-O", "check", host])} >/dev/null 2>&1`;
  const through = text([...ssh, ...quiet, host, line]);
  const past = text([...noMaster(ssh), ...quiet, "-o", "ControlPath=none", host, line]);
  const script =
    purpose === "again"
      ? `if ${master}; then exec ${through}; fi; exec ${past}`
      : `if ${master}; then exec ${past}; fi; echo "there is no master connection" >&2; exit 255`;
  return ["/bin/sh", "-c", script];
}

/** Of an option that is given twice ssh takes the first. */
function noMaster(ssh: readonly string[]): string[] {
  return ssh.flatMap((word, i) =>
    word.startsWith("ControlPath=") || (word === "-o" && ssh[i + 1]?.startsWith("ControlPath=") === true) ? [] : [word],
  );
}

/**
 * The words by which the native client goes through a channel (native/remote/channel.h): first the way that
 * asks nobody, then the one that may ask for a login, then those that come back.
 * @param words what is asked of the far server.
 */
export function channelWords(
  config: Pick<Config, "ssh" | "reach">,
  place: FarPlace,
  words: readonly string[],
  masters: string | undefined,
): string[] {
  const bridge = bridgeWords(place);
  const purposes =
    config.reach[place.host] === undefined ? (["probe", "channel", "again", "past-master"] as const) : (["channel"] as const);
  const ways = purposes.map((purpose) => farCommand(config, place, bridge, purpose, { masters }));
  return ["@channel", place.host, ...ways.flatMap((way) => [String(way.length), ...way]), "0", ...words];
}

/** Where a session of another machine is. */
export function placeOfRemote({ host, job, via, behind }: RemoteSession): FarPlace {
  if (via === null) return { host, job };
  return behind ? { host: via, job: null, asked: true, behind } : { host, job, asked: true };
}
