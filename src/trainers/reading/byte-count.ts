// Counts what is read of runs' files, so that "only what is new" can be measured.

/** A tally shared by the readers of one run. */
export class ByteCount {
  /** Bytes of file content read. */
  bytes = 0;
  /** Files opened. */
  opened = 0;

  add(bytes: number): void {
    this.bytes += bytes;
    this.opened++;
  }
}
