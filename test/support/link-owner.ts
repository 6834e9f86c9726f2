// A process that owns links and is killed by a test: link-owner.ts FOLDER COMMAND [ARGUMENT ...]; says
// "output" at the first byte.
import { launchHolder } from "../../src/session/holder/holder-launch.ts";
import { orders } from "./held.ts";

const [folder = "", ...command] = process.argv.slice(2);
let said = false;
const link = await launchHolder(
  { ...orders(command), folder },
  {
    hello() {},
    data() {
      if (!said) process.stdout.write("output\n");
      said = true;
    },
    exit() {},
    gap() {},
    sized() {},
    closed() {},
  },
);
link.subscribe(0);
