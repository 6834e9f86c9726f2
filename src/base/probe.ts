// Named events for tests: a test waits for one, instead of sleeping until it has probably happened.

type Listener = (name: string, facts: Record<string, unknown>) => void;
const listeners = new Set<Listener>();

/** Says that `name` has happened. Costs nothing while nobody listens. */
export function probe(name: string, facts: Record<string, unknown> = {}): void {
  for (const listener of listeners) listener(name, facts);
}

/** Listens to all probes; the answer stops it. */
export function onProbe(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
