// What a session folder holds: every name that holder and server give to a file in it. Nothing else in it is
// ever removed.

/** Names of files; while one is written anew it has a mark before or behind it. */
const names = ["output.log", "times", "times.base", "record", "sock", "session.json", "ssh-auth-sock", "usage"];
const pattern = new RegExp(
  `^\\.?(${names.map((name) => name.replaceAll(".", "\\.")).join("|")}|seg-\\d+-\\d+-[0-9a-f]+\\.br)(\\.new|\\.tmp|\\.\\d+|~)?$`,
);

/** Whether a file of this name in a session folder is one that we make. */
export function isSessionEntry(name: string): boolean {
  return pattern.test(name);
}
