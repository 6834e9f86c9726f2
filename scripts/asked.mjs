// What a script was asked for on its command line, or why it cannot be.
import { parseArgs } from "node:util";

/**
 * What parseArgs makes of the command line; ends the script with 2 where an option is none of these.
 * @param hint stands behind the sentence that says so.
 */
export function asked(config, hint = "") {
  try {
    return parseArgs(config);
  } catch (error) {
    console.error(`${error.message.split("\n")[0]}${hint}`);
    process.exit(2);
  }
}
