// The one line of a failure that matters: which exception, what it says, and where in the user's own files
// it was raised.
import type { PostMortem } from "./ending.ts";

/** JSON-friendly; docs/guide/json.md describes it. */
export interface RunFailure {
  /** Class of the exception, without its module; "" where it is none. */
  kind: string;
  message: string;
  /**
   * The last frame of the traceback in a file that is neither Python's nor a package's; null where there is
   * none.
   */
  file: string | null;
  line: number | null;
}

/** Files of Python itself and of installed packages: they only pass on what somebody's own file did. */
const notOwn = /\/(?:site|dist)-packages\/|\/lib\/python\d|^<|\/bin\/[^/]+$/;

/** Whether a file of a frame is the user's own. */
export function isOwnFile(file: string): boolean {
  return !notOwn.test(file);
}

/** Of an ended run that says why it failed; else undefined. */
export function runFailure(end: Pick<PostMortem, "error" | "traceback"> | undefined): RunFailure | undefined {
  if (end?.error === null || end?.error === undefined) return undefined;
  const [, kind, message] =
    /^([A-Za-z_][\w.]*?(?:Error|Exception|Interrupt|Exit|Warning|Found)?)(?::\s*(.*))?$/s.exec(end.error) ?? [];
  const known = kind !== undefined && /[A-Z]/.test(kind) && !/\s/.test(kind);
  const frames = [...(end.traceback ?? []).join("\n").matchAll(/^[^\S\n]*File "([^"]+)", line (\d+)/gm)];
  const own = frames.findLast(([, file]) => isOwnFile(file as string));
  return {
    kind: known ? (kind.split(".").at(-1) as string) : "",
    message: known ? (message ?? "") : end.error,
    file: own?.[1] ?? null,
    line: own === undefined ? null : Number(own[2]),
  };
}

/** "ValueError: no such column (model.py:12)": for a line of a list. */
export function failureText({ kind, message, file, line }: RunFailure): string {
  const where = file === null ? "" : ` (${file.slice(file.lastIndexOf("/") + 1)}:${line})`;
  return [kind, message].filter(Boolean).join(": ") + where;
}
