// Words for a POSIX shell, and for fish and csh, which read a far command line where they are the login
// shell: each comes out as it went in.

/** In quotes. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** In quotes where it needs them: a person reads it. */
export function quotedIfNeeded(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : quoted(word);
}
