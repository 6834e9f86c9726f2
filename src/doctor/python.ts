// The Python falcon: whether there is one, and whether it can draw its display (`blessed`).
import { aside } from "../base/aside/aside.ts";
import { askProgram } from "../base/aside/ask-program.ts";
import { head } from "../base/aside/regular-file.ts";
import { Failure } from "../base/failure.ts";
import { launcher } from "../trainers/registry.ts";
import { type Caller, type Finding, problem, warning } from "./condition.ts";

export interface PythonFacts {
  /** Why none is found; undefined where one is. */
  missing: string | undefined;
  /** The interpreter that runs it, and whether it finds `blessed`; undefined where that cannot be told. */
  interpreter: string | undefined;
  blessed: boolean | undefined;
}

export function checkPython(facts: PythonFacts): Finding[] {
  const findings: Finding[] = [];
  if (facts.missing !== undefined) {
    findings.push(
      problem(
        "python-falcon-missing",
        `falcon launch has nothing to start: ${facts.missing}`,
        "pip install 'falcon-sbi[blessed]'",
      ),
    );
  }
  if (facts.blessed === false) {
    findings.push(
      warning(
        "blessed-missing",
        `the Python falcon (${facts.interpreter}) has no 'blessed', without which it draws no display and takes no keys`,
        `${facts.interpreter} -m pip install blessed`,
      ),
    );
  }
  return findings;
}

/** Milliseconds that Python may take to find a module; it imports nothing for it. */
const pythonPatience = 10_000;

/** Bytes of what starters and start files of sites print before Python begins. */
const longestWarnings = 1 << 20;

export async function pythonFacts(caller: Caller, root: string): Promise<PythonFacts> {
  const { environment, directory } = caller;
  try {
    const { command } = await launcher.find({ environment, directory, root });
    const interpreter = await askInterpreter(command);
    const blessed = interpreter === undefined ? undefined : await hasModule(interpreter, "blessed", caller);
    return { missing: undefined, interpreter, blessed };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { missing: error.message, interpreter: undefined, blessed: undefined };
  }
}

/** Longest first lines of a script that are looked at for its interpreter. */
const scriptHead = 4096;

/**
 * The Python of a console script: from its first line, or from the second where pip wrote `#!/bin/sh` and an
 * exec of a long path.
 */
export function interpreterOf(command: readonly string[]): string | undefined {
  const [file, second] = command;
  if (file === undefined) return undefined;
  if (second === "-m") return file;
  const script = head(file, scriptHead);
  const direct = /^#!\s*(\S*(?:python|pypy)[^\s/]*)/.exec(script)?.[1];
  const through = /^#!\s*\S*\/env\s+(?:-S\s+)?(\S*(?:python|pypy)\S*)/.exec(script)?.[1];
  const longPath = /^'''exec' "?([^"\n]+?)"? "\$0"/m.exec(script)?.[1];
  return direct ?? through ?? longPath;
}

const askInterpreter = aside("interpreter", interpreterOf, ([command]) => command[0] ?? "/");

async function hasModule(interpreter: string, name: string, caller: Caller): Promise<boolean | undefined> {
  const question = `import importlib.util, sys; sys.exit(0 if importlib.util.find_spec('${name}') else 3)`;
  const { environment, directory } = caller;
  const asking = { environment, directory, patience: pythonPatience, longest: longestWarnings };
  const { status } = await askProgram(interpreter, ["-c", question], asking);
  return status === 0 ? true : status === 3 ? false : undefined;
}
