// A failure that a person is told in one sentence, with the exit status of docs/guide/trouble.md.

/** Exit statuses of our own (docs/guide/trouble.md); 128+n and the program's own pass through. */
export const Status = {
  ok: 0,
  noSession: 1,
  usage: 2,
  ours: 125,
  notExecutable: 126,
  notFound: 127,
} as const;

/** What went wrong, where, and what to do, in one sentence; never a stack trace for the user. */
export class Failure extends Error {
  readonly status: number;
  constructor(message: string, status: number = Status.ours) {
    super(message);
    this.name = "Failure";
    this.status = status;
  }
}

/** The sentence to show for anything that was thrown. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * What the machine or the user's limits had no more of, by the code or the words that a system call, a
 * library or a thread's start gives it.
 */
const shortages: readonly [RegExp, string][] = [
  [
    /\bEMFILE\b|\bENFILE\b|too many open files/i,
    "the session server has no descriptor left (its limit of open files is reached): end or leave some sessions, " +
      "or raise 'ulimit -n' and say 'falcon server upgrade'; what runs goes on",
  ],
  [
    /\bEAGAIN\b|resource temporarily unavailable|ERR_WORKER_INIT_FAILED/i,
    "no process or thread could be started (your limit, 'ulimit -u', or the machine's is reached): " +
      "end some programs and try again; what runs goes on",
  ],
  [
    /\bENOMEM\b|cannot allocate memory|ERR_WORKER_OUT_OF_MEMORY/i,
    "the machine has no memory left for this: end some programs and try again; what runs goes on",
  ],
  [
    /\bENOSPC\b|\bSQLITE_FULL\b|no space left on device/i,
    "the disk of the sessions' folder is full: make room and try again; what runs goes on",
  ],
  [
    /\bEDQUOT\b|disk quota exceeded/i,
    "your quota on the disk of the sessions' folder is used up: make room and try again; what runs goes on",
  ],
];

/** What a user is told of anything that was thrown: our own failure as it stands, a shortage in words. */
export function userMessage(error: unknown): string {
  return (error instanceof Failure ? undefined : shortageOf(error)) ?? sentence(error);
}

/** One sentence for an error that says that something is used up; undefined for all others. */
export function shortageOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const text = `${(error as NodeJS.ErrnoException).code ?? ""} ${error.message}`;
  return shortages.find(([pattern]) => pattern.test(text))?.[1];
}
