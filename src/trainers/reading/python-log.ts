// Lines of Python's logging with their time, as falcon and others write them.

/** A line of Python's logging: `2026-11-24T03:56:08 [INFO] text`. */
export interface LogLine {
  /**
   * The local time of the run's process, read as if it was this process's zone: ms since 1970, whole seconds.
   */
  time: number;
  level: string;
  text: string;
}

/** Undefined for a line without a time: it continues the one before (tracebacks, the graph's table). */
export function parseLogLine(line: string): LogLine | undefined {
  const found = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d) \[([A-Z]+)\] ?(.*)$/s.exec(line);
  if (!found) return undefined;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = found.slice(1, 7).map(Number);
  return {
    time: new Date(year, month - 1, day, hour, minute, second).getTime(),
    level: found[7] as string,
    text: found[8] as string,
  };
}
