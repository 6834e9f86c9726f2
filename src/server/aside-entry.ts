// A helper process's entry.
import { runProgram } from "../base/kept-code.ts";
import { optimizeLate } from "../base/late-optimizing.ts";

// it is started with other flags than Node's own modules were compiled with as it is
optimizeLate();
runProgram(import.meta.dirname, "aside-program.cjs");
