// What the doctor finds out about the user's other machines: each is asked once, by the way that
// commands take.
import path from "node:path";
import { type Finding, warning } from "../../doctor/condition.ts";
import { markRoster } from "../../session/machines/roster-files.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { duration } from "../text/wording.ts";
import { askHost } from "./ask-host.ts";
import { farContract } from "./reach.ts";

/** Machines that are asked, each by an ssh of its own. */
const mostAsked = 30;
/** Clocks that differ by more (ms) are told: times in logs and names of files are then apart. */
const clockDifference = 10_000;

/** One finding for each thing that is wrong with one of them. */
export async function knownHosts(call: Call, context: Context): Promise<Finding[]> {
  const { hosts, roster, config, host: own } = context;
  const writing = await roster.machines();
  const twice = [...new Set([own, ...writing].filter((name, i, all) => all.indexOf(name) !== i))];
  const sharing = writing.filter((name) => name !== own);
  const names = [...new Set([...hosts.names, ...sharing])].slice(0, mostAsked);
  if (names.length + twice.length === 0) return [];
  const mark = `.now.${process.pid}${Math.floor(context.steady())}`;
  const file = path.join(roster.folder, mark);
  const marked = await markRoster(file, true).catch(() => false);
  try {
    const found = await Promise.all(names.map((name) => findingsOf(name)));
    return [...twice.map(namedTwice), ...found.flat()];
  } finally {
    if (marked) await markRoster(file, false).catch(() => false);
  }

  async function findingsOf(name: string): Promise<Finding[]> {
    const begun = context.clock();
    const answer = await askHost(config, name, call.request.environment, context.masters.folder, ["--sees", mark]);
    const way = (Math.max(0, context.clock() - begun) / 2) | 0;
    const told = hosts.take(name, answer, call.request.environment);
    if (typeof told === "string") return [warning("host", told, remedy(name, answer.status))];
    const { own: theirs, sees } = told;
    const findings: Finding[] = [];
    if (theirs.contract < farContract || theirs.version !== context.version) {
      const older = theirs.contract < farContract ? ", which cannot do all that this one asks of it" : "";
      findings.push(
        warning(
          "host-version",
          `falcon-sessions is ${theirs.version} on ${name} and ${context.version} here${older}`,
          "install one version on both",
        ),
      );
    }
    const off = theirs.written - (begun + way);
    if (Math.abs(off) > clockDifference)
      findings.push(
        warning(
          "host-clock",
          `the clock of ${name} is ${duration(Math.abs(off))} ${off > 0 ? "ahead" : "behind"}: times in its logs are not ours`,
          `let both set their clocks by NTP ('timedatectl' there and here)`,
        ),
      );
    if (marked && sharing.includes(name) && sees === false)
      findings.push(
        warning(
          "host-home",
          `${name} does not see what is written into ${roster.folder}: the home directory is no shared one, or only a copy`,
          "name a folder that both share with config key roster, or the machine in [hosts] list",
        ),
      );
    return findings;
  }
}

function namedTwice(name: string): Finding {
  return warning(
    "host-name",
    `several machines that share this list call themselves ${name}: by that name one of them is reached`,
    "give them names of their own (hostnamectl set-hostname); a file of one that is gone leaves the list after two weeks",
  );
}

function remedy(name: string, status: number | null): string {
  if (status === 127) return "what the sentence says, then 'falcon doctor' again";
  return `'ssh ${name} falcon-sessions --version' by hand, until it asks nothing and answers`;
}
