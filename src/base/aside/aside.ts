// Has work on users' files done aside, in helper processes (base/aside/aside-pool.ts), so that a hung file
// system never stops the server: a helper can be killed, while a thread that hangs in open(2) cannot be
// ended. Where no pool is in use (the helper itself, tests of one part) the work is done on the spot.
import { Failure } from "../failure.ts";

/** Done by a helper: takes and answers what structuredClone takes. It may use node:fs as it likes. */
type Operation = (...args: never[]) => unknown;

/**
 * Has work done elsewhere. `file`: what it touches, by which file systems that do not answer are told apart.
 */
export type Aside = (name: string, file: string, args: readonly unknown[]) => Promise<unknown>;

const operations = new Map<string, Operation>();
let elsewhere: Aside | undefined;

/** From here on work is done by this. Undefined: on the spot again. */
export function useAside(pool: Aside | undefined): void {
  elsewhere = pool;
}

/** Whether work is done by somebody else. */
export function isAside(): boolean {
  return elsewhere !== undefined;
}

/** Names work that a helper does, without a function that asks for it. */
export function operation(name: string, work: Operation): void {
  operations.set(name, work);
}

/**
 * Several pieces of work, each after the other in one helper of their own, which may keep something open
 * between them.
 */
export interface Series {
  /** @throws NoAnswer when it takes too long; what the work threw. */
  ask(name: string, args: readonly unknown[]): Promise<unknown>;
  /** The helper ends. */
  end(): void;
}

let series: ((file: string) => Series) | undefined;

/** From here on series are made by this. Undefined: they are done on the spot again. */
export function useSeries(make: ((file: string) => Series) | undefined): void {
  series = make;
}

/** @param file what it touches. */
export function newSeries(file: string): Series {
  return series?.(file) ?? { ask: async (name, args) => await operationOf(name)?.(...(args as never[])), end() {} };
}

/** The operation of this name, for a helper. */
export function operationOf(name: string): Operation | undefined {
  return operations.get(name);
}

/** What did not answer is a file system that is away, or a document that takes too long to read. */
export class NoAnswer extends Failure {}

/**
 * Makes a function whose work is done aside.
 * @param name what both sides call it.
 * @param operation the work, synchronous or not.
 * @param fileOf what of its arguments it touches.
 * @returns the same function, which answers later; it throws what the work threw, or NoAnswer.
 */
export function aside<A extends unknown[], R>(
  name: string,
  operation: (...args: A) => R,
  fileOf: (args: A) => string,
): (...args: A) => Promise<Awaited<R>> {
  operations.set(name, operation as unknown as Operation);
  return async (...args): Promise<Awaited<R>> => {
    if (elsewhere === undefined) return await operation(...args);
    return (await elsewhere(name, fileOf(args), args)) as Awaited<R>;
  };
}

/** An error as it goes between processes. */
export interface Thrown {
  message: string;
  code?: string | undefined;
  /** Of a Failure. */
  status?: number;
}

export function thrownOf(error: unknown): Thrown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code } = error as NodeJS.ErrnoException;
  return { message: error.message, code, ...(error instanceof Failure ? { status: error.status } : {}) };
}

export function errorOf({ message, code, status }: Thrown): Error {
  const error = status === undefined ? new Error(message) : new Failure(message, status);
  return code === undefined ? error : Object.assign(error, { code });
}
