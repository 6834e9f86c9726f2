// Ownership: what was opened is closed once, in reverse order, by whoever owns it.

/** Something that holds a resource until it is disposed of. */
export interface Disposable {
  dispose(): void;
}
