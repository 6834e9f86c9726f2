// What a script was asked for on its command line, or why it cannot be.
import { parseArgs } from "node:util";

/** What parseArgs makes of the command line; ends the script with 2 where an option is none of these. */
export function asked(config) {
  try {
    return parseArgs(config);
  } catch (error) {
    console.error(error.message.split("\n")[0]);
    process.exit(2);
  }
}
