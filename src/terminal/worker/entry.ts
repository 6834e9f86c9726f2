// The entry of a thread that draws screens.
import { runProgram } from "../../base/kept-code.ts";

runProgram(import.meta.dirname, "screen-program.cjs");
