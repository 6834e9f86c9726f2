// A pipe that tells whether somebody opened it.
import { execFileSync } from "node:child_process";
import fs from "node:fs";

/** Makes a pipe, and answers what the work gives and whether the pipe was opened for reading meanwhile. */
export async function withWatchedPipe<T>(file: string, work: () => Promise<T>): Promise<{ answer: T; opened: boolean }> {
  execFileSync("mkfifo", [file]);
  let opened = false;
  // waits for a reader; closed at once, so that whoever opened it does not wait for ever
  const writing = fs.promises.open(file, "w").then((handle) => {
    opened = true;
    return handle.close();
  });
  try {
    return { answer: await work(), opened };
  } finally {
    const reader = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    await writing;
    fs.closeSync(reader);
  }
}
