// Where the homes of a host's batch jobs are (native/home/home.c, home_of_job). Docs:
// decisions/0004-homes.md.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { namesIn } from "../base/names-in.ts";

/** The home of one job. */
export interface JobHome {
  job: string;
  home: string;
}

/** As long as a home can be, in bytes: a socket's path has 107 (native/home/home.h). */
const longestHome = 83;

/** The longest name of a job (native/home/job.h). */
const longestJob = 24;

const jobName = /^[splf][\w.-]{1,23}$/;

/** The homes of the host's jobs, ended ones included (native/home/home.c: home_of_job). */
export function jobHomes(host: string): JobHome[] {
  return placesOf(host).flatMap((folder) =>
    namesIn(folder)
      .filter((name) => jobName.test(name))
      .map((job) => ({ job, home: path.join(folder, job) })),
  );
}

/** Where these jobs had a home, if they had one on this host, and have none any more. */
export function goneHomes(host: string, jobs: Iterable<string>): string[] {
  const homes = [...jobs].flatMap((job) => placesOf(host).map((folder) => path.join(folder, job)));
  return homes.filter((home) => !fs.existsSync(home));
}

function placesOf(host: string): string[] {
  const folders = [path.join(host, "j")];
  // a job's home that would be too long below the host's
  if (Buffer.byteLength(host) + "/j/".length + longestJob > longestHome)
    folders.push(`/var/tmp/falcon-sessions-${process.geteuid?.()}/${os.hostname().replaceAll("/", "-")}/j`);
  return folders;
}
