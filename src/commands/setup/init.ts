// falcon init: what makes `falcon` ours in every environment (a shell function, and with --shim a folder that
// stays first on PATH), and the completion.
import path from "node:path";
import { Failure, Status } from "../../base/failure.ts";
import { nativeFolder } from "../../platform/native-files.ts";
import { launcher } from "../../trainers/registry.ts";
import type { Call } from "../dispatch/call.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { shellScript, shells } from "./shell-script.ts";

export const init: CommandSpec = {
  name: "init",
  group: "set up",
  summary: 'makes falcon ours in your shell, with completion: eval "$(falcon-sessions init bash)"',
  examples: [
    ["falcon-sessions init --shim", "make the folder, once"],
    ['eval "$(falcon-sessions init bash)"', "in ~/.bashrc (zsh: ~/.zshrc)"],
    ["falcon-sessions init fish | source", "in config.fish"],
  ],
  words: { shell: ["bash", "zsh", "fish"] },
  define(command) {
    command
      .argument("[shell]", "bash, zsh or fish: write its script, for eval in its start file")
      .option("--shim [dir]", "make a folder with a falcon of ours, which the script keeps first on PATH")
      .addHelpText(
        "after",
        `
A shell function is seen by that shell alone. With the folder, what the shell
starts (nohup, xargs, watch, scripts) gets our falcon as well, also after a
Python environment was activated: the script puts the folder first again before
each prompt. A script that activates an environment itself gets that
environment's falcon: 'falcon-sessions install-shim' makes it ours.`,
      );
  },
  async run(call, _context, [named], options) {
    // `init --shim bash` means the shell
    const mistaken = named === undefined && typeof options.shim === "string" && shells.includes(options.shim);
    const shell = mistaken ? options.shim : named;
    const client = path.join(nativeFolder, "falcon");
    const { environment, directory } = call.request;
    if (shell !== undefined && !shells.includes(shell)) throw new Failure(`init ${shell}: say bash, zsh or fish`, Status.usage);
    if (shell === undefined && options.shim === undefined) throw new Failure("init: say bash, zsh or fish", Status.usage);
    const chosen = typeof options.shim === "string" && !mistaken ? options.shim : undefined;
    const folder = await (options.shim === undefined
      ? launcher.shimFolder(environment)
      : launcher.makeShim(client, environment, directory, chosen));
    if (shell !== undefined) call.stdout(shellScript(shell, client, folder));
    else call.stdout(nextStep(call, folder as string));
    return Status.ok;
  },
};

/** What a person is told who made the folder: the line that keeps it first on PATH. */
function nextStep(call: Call, folder: string): string {
  const own = path.basename(call.request.environment.SHELL ?? "");
  const [line, file] =
    own === "fish"
      ? ["falcon-sessions init fish | source", "~/.config/fish/config.fish"]
      : own === "zsh"
        ? ['eval "$(falcon-sessions init zsh)"', "~/.zshrc"]
        : ['eval "$(falcon-sessions init bash)"', "~/.bashrc"];
  return `${folder}/falcon is ours. This line in ${file} keeps it first on PATH (and adds completion):

    ${line}

'falcon doctor' tells which falcon a script gets; 'rm -r ${folder}' undoes this.
`;
}
