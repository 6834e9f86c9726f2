// falcon install-shim: makes the `falcon` of a Python environment ours, for scripts that activate it; the
// Python one is falcon-python then.
import path from "node:path";
import { Failure, Status } from "../../base/failure.ts";
import { nativeFolder } from "../../platform/native-files.ts";
import { callersPath } from "../../session/life/working-directory.ts";
import { launcher } from "../../trainers/registry.ts";
import type { CommandSpec } from "../dispatch/command.ts";

export const installShimCommand: CommandSpec = {
  name: "install-shim",
  group: "set up",
  summary: "make the falcon of a Python environment ours, for scripts that activate it",
  examples: [
    ["falcon-sessions install-shim", "in the active environment"],
    ["falcon-sessions install-shim --remove venv", "undo it in venv"],
  ],
  define(command) {
    command
      .argument("[environment]", "folder of a venv or conda environment (default: the active one)")
      .option("--remove", "undo it")
      .addHelpText(
        "after",
        `
The environment's own falcon is kept beside ours, as falcon-python. pip writes
its falcon anew when it installs falcon-sbi: do this again then; 'falcon doctor'
tells.`,
      );
  },
  async run(call, _context, [named], options) {
    const { environment, directory } = call.request;
    const folder = named ?? (environment.VIRTUAL_ENV || environment.CONDA_PREFIX);
    if (!folder) throw new Failure("install-shim: name an environment's folder, or activate it first", Status.usage);
    const place = callersPath(directory, folder);
    if (options.remove) {
      const { file, changed } = await launcher.removeShim(place);
      call.stdout(changed ? `${file} is the Python falcon again\n` : `${file} is not ours: nothing to undo\n`);
    } else {
      const { file, python, changed } = await launcher.installShim(path.join(nativeFolder, "falcon"), place);
      call.stdout(changed ? `${file} is ours; the Python falcon is ${python}\n` : `${file} was ours already\n`);
    }
    return Status.ok;
  },
};
