// falcon --help and --version: ours, and the Python falcon's that was found.
import { launcher } from "../../trainers/registry.ts";
import type { Call, Context } from "./call.ts";
import { type CommandSpec, groups } from "./command.ts";

export async function help(call: Call, commands: readonly CommandSpec[]): Promise<void> {
  const width = Math.max(...commands.map((c) => c.name.length)) + 2;
  const list = Object.entries(groups).map(([group, words]) => {
    const lines = commands.filter((c) => c.group === group).map((c) => `  ${c.name.padEnd(width)}${c.summary}\n`);
    return `${words}:\n${lines.join("")}`;
  });
  call.stdout(`falcon: leave a training run and come back to it

usage: falcon COMMAND [options]     falcon COMMAND --help tells more

${list.join("\n")}
Any other command goes to the Python falcon${await pythonFalcon(call)}.
While attached, d (in a falcon run) or Ctrl-\\ detaches; the run goes on. 'falcon attach' comes back.
`);
}

export async function versionText(call: Call, context: Context): Promise<string> {
  return `falcon-sessions ${context.version}\nPython falcon${await pythonFalcon(call)}\n`;
}

/**
 * ": /path" or " (none found …)". The version is what pip recorded beside it; nothing is started to learn it.
 */
async function pythonFalcon(call: Call): Promise<string> {
  try {
    const found = await launcher.find({ environment: call.request.environment, directory: call.request.directory });
    return `: ${found.command.join(" ")}`;
  } catch {
    return " (none was found: pip install 'falcon-sbi[blessed]')";
  }
}
