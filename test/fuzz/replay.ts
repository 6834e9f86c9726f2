// Tries the inputs that broke a promise once: by every run of the fuzzer, and by `npm test`.
import { foundInputs } from "./found.ts";
import { nativeTargets, replayNative } from "./native.ts";
import { loadTargets } from "./targets.ts";

/** Replays the found inputs of these targets (default: all); answers how many there are and what is wrong. */
export async function replayFound(names?: readonly string[]): Promise<{ count: number; problems: string[] }> {
  let count = 0;
  const problems: string[] = [];
  const wanted = (name: string) => names === undefined || names.includes(name);
  for (const target of await loadTargets()) {
    if (!wanted(target.name)) continue;
    for (const { name, bytes } of foundInputs(target.name)) {
      count++;
      try {
        await target.run(bytes);
      } catch (error) {
        problems.push(`found/${target.name}/${name}: ${error instanceof Error ? error.stack : String(error)}`);
      }
    }
    await target.dispose?.();
  }
  for (const target of nativeTargets()) {
    if (!wanted(target.name)) continue;
    const inputs = foundInputs(target.name);
    count += inputs.length;
    if (inputs.length > 0) problems.push(...replayNative(target));
  }
  return { count, problems };
}
