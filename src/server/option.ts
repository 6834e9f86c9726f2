// The words that the client starts a server with.

/** Value of `--name`, or undefined. */
export function option(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
}

/** The same, of one whose value is a number. */
export function numberOption(name: string): number | undefined {
  const value = option(name);
  return value === undefined ? undefined : Number(value);
}
