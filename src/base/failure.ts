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
  if (error instanceof Error) return error.message;
  return String(error);
}
