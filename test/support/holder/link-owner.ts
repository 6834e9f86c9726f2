// A process that owns links and is killed by a test: link-owner.ts FOLDER COMMAND [ARGUMENT ...]; says
// "output" at the first byte.
import { launchHolder } from "../../../src/session/holder/holder-launch.ts";
import { Heard, orders } from "./held.ts";

const [folder = "", ...command] = process.argv.slice(2);
const heard = new Heard();
await launchHolder({ ...orders(command), folder }, heard);
heard.read(folder, 0);
await heard.until(/./);
process.stdout.write("output\n");
