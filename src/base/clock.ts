// The two clocks. `wall` says when something happened, for people and for what is stored; it may be set at
// any moment. `steady` says how long something took or is to take: every timeout, pause, age of a live thing.
// Nothing else reads a clock (scripts/check-files.mjs).

/** ms since 1970. Jumps when somebody (NTP, a resumed machine, root) sets it. */
export function wall(): number {
  return Date.now();
}

/** ms since some moment of this process; never goes back, never jumps. */
export function steady(): number {
  return performance.now();
}

/** A timer takes no more (ms): setTimeout lets one that is longer end at once. */
export const longestTimer = 2 ** 31 - 1;

/** Whether something that was kept, or that somebody said, is a time: calendars end 8.64e15 ms from 1970. */
export function isTime(ms: unknown): ms is number {
  return typeof ms === "number" && Math.abs(ms) <= 8.64e15;
}

/** A time as ISO 8601 in UTC; null where it is not known, or none. */
export function isoTime(ms: number | null | undefined): string | null {
  return isTime(ms) ? new Date(ms).toISOString() : null;
}

/** What is awaited, or undefined where it takes longer than this (ms); a failure after that is nobody's. */
export function within<T>(limit: number, work: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), limit);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
