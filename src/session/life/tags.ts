// Labels of a session (`falcon tag`): names with values, by which lists, comparisons and events are filtered.
import { Failure, Status } from "../../base/failure.ts";
import type { SessionRow } from "../../store/session-store.ts";

export type Tags = Readonly<Record<string, string>>;

/** Labels of one session, characters of a name and of a value: they stand in lists and in an environment. */
const mostTags = 32;
const longestTag = 64;

export function tagsOf({ facts }: Pick<SessionRow, "facts">): Tags {
  return facts.tags ?? {};
}

/**
 * What is kept after these words: `name=value` sets, `name` alone sets an empty value, `name=` with nothing
 * behind it removes.
 * @throws Failure 2 for what is no label.
 */
export function withTags(known: Tags, words: readonly string[]): Tags {
  const tags = new Map(Object.entries(known));
  for (const word of words) {
    const { name, value } = parseTag(word);
    if (value === "" && word.includes("=")) tags.delete(name);
    else tags.set(name, value ?? "");
  }
  if (tags.size > mostTags)
    throw new Failure(`a session has at most ${mostTags} labels; remove one first ('name=' removes it)`, Status.usage);
  return Object.fromEntries(tags);
}

/** Whether labels fit a filter: `name` (has it) or `name=value`. @throws Failure 2 for what is no label. */
export function tagFilter(words: readonly string[]): (tags: Tags) => boolean {
  const wanted = words.map(parseTag);
  return (tags) => wanted.every(({ name, value }) => Object.hasOwn(tags, name) && (value === undefined || tags[name] === value));
}

/** "lr=0.1 best" as it is shown and stands in the events' variable. */
export function tagsText(tags: Tags): string {
  return Object.entries(tags)
    .map(([name, value]) => (value === "" ? name : `${name}=${value}`))
    .join(" ");
}

function parseTag(word: string): { name: string; value: string | undefined } {
  const at = word.indexOf("=");
  const [name, value] = at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
  if (!/^[\p{L}_][\p{L}\p{N}_.-]*$/u.test(name) || name.length > longestTag)
    throw new Failure(
      `'${name}': a label's name is letters, digits, '.', '-' and '_', at most ${longestTag}, a letter first`,
      Status.usage,
    );
  if (value !== undefined && (!/^[\p{L}\p{N}\p{P}\p{S}]*$/u.test(value) || value.length > longestTag))
    throw new Failure(`${name}=: a label's value has no blanks and at most ${longestTag} characters`, Status.usage);
  return { name, value };
}
