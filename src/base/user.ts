// Who runs this, as the user database knows it; a user without an entry there (a container that was started
// with a bare number) has a number alone.
import os from "node:os";

/** The name that one logs in by; of a user without one the number. */
export function userName(): string {
  return entry()?.username ?? String(process.getuid?.() ?? -1);
}

/** Where the user's own files are; of a user without a home where nothing is. */
export function homeOf(environment: Readonly<Record<string, string | undefined>>): string {
  return environment.HOME || (entry()?.homedir ?? "/nonexistent");
}

function entry(): os.UserInfo<string> | undefined {
  try {
    return os.userInfo();
  } catch {
    return undefined;
  }
}
