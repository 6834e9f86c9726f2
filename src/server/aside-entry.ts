// A helper process's entry.
import { runProgram } from "../base/kept-code.ts";

runProgram(import.meta.dirname, "aside-program.cjs");
