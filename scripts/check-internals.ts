// Fails the build where xterm.js has moved what src/terminal/model/xterm-core.ts names.
// Usage (scripts/build.mjs does it): node BUNDLE
import { internalsKnown } from "./internals-known.ts";

const known = internalsKnown();
if (known !== true) {
  console.error(
    `This version of @xterm/headless is not the one that src/terminal/model/xterm-core.ts was written for: ${known}.`,
  );
  process.exitCode = 1;
}
