// A helper process's entry.
import "../base/no-debugger.ts";

import { runProgram } from "../base/kept-code.ts";
import { optimizeLate } from "../base/late-optimizing.ts";

// at once: its flags (base/aside/helper-process.ts) keep Node's own compiled modules from being taken as it
// is, so that nothing is lost by this one
optimizeLate();
runProgram(import.meta.dirname, "aside-program.cjs");
