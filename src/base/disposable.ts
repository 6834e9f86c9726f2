// Ownership: what was opened is closed once, in reverse order, by whoever owns it.

/** Something that holds a resource until it is disposed of. */
export interface Disposable {
  dispose(): void;
}

/** A list of disposables that are disposed of together; adding to a disposed one disposes at once. */
export class Disposables implements Disposable {
  #items: Disposable[] = [];
  #gone = false;

  add<T extends Disposable>(item: T): T {
    if (this.#gone) item.dispose();
    else this.#items.push(item);
    return item;
  }

  /** Registers a plain function as the disposal of something. */
  defer(dispose: () => void): void {
    this.add({ dispose });
  }

  dispose(): void {
    if (this.#gone) return;
    this.#gone = true;
    for (const item of this.#items.reverse()) item.dispose();
    this.#items = [];
  }
}
