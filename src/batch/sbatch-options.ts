// The value of an option among those that a person gives sbatch.

/**
 * The value of an option, of which the last one counts; undefined where it is not there.
 * @param names as sbatch(1) has them: "--time", "-t".
 */
export function sbatchOption(options: readonly string[], ...names: readonly string[]): string | undefined {
  let found: string | undefined;
  options.forEach((word, i) => {
    for (const name of names) {
      const joined = name.startsWith("--") ? `${name}=` : name;
      if (word === name) found = options[i + 1];
      else if (word.startsWith(joined)) found = word.slice(joined.length);
    }
  });
  return found;
}
