// The options of `falcon launch`, read exactly as falcon 0.5.1 reads them, without changing a word of them.

/** What a `falcon launch` was asked for. */
export interface LaunchArguments {
  /**
   * The run directory that -o, --output or --run-dir names, as it was written; undefined: falcon makes
   * output/<run name>.
   */
  output: string | undefined;
  /** The config file that -c, --config or --config-name names, as it was written. */
  config: string | undefined;
  /** True after -i, false after --no-interactive, undefined: interactive when stdout is a terminal. */
  interactive: boolean | undefined;
  /** Seconds after which falcon stops by itself; undefined: never. */
  timeout: number | undefined;
  /** The key=value settings, in order; a later one wins. */
  overrides: [key: string, value: string][];
  /** `paths.graph` among the overrides, as it was written. */
  graph: string | undefined;
}

/**
 * Options that take a value, by every name that falcon knows. `-oDIR` and `-o=DIR` are not among them: falcon
 * ignores those.
 */
const valued: Readonly<Record<string, "output" | "config" | "timeout" | "passed over">> = {
  "-o": "output",
  "--output": "output",
  "--run-dir": "output",
  "-c": "config",
  "--config": "config",
  "--config-name": "config",
  "--timeout": "timeout",
  "--log-lines": "passed over",
};

/**
 * Reads what stands behind `falcon launch`. Never throws: what falcon itself would refuse (`--timeout soon`)
 * is left for falcon to
 * refuse, and read here as if it was not there.
 */
export function parseLaunch(args: readonly string[]): LaunchArguments {
  const read: LaunchArguments = {
    output: undefined,
    config: undefined,
    interactive: undefined,
    timeout: undefined,
    overrides: [],
    graph: undefined,
  };
  for (let i = 0; i < args.length; i++) {
    const argument = args[i] as string;
    const equals = argument.startsWith("--") ? argument.indexOf("=") : -1;
    const name = equals < 0 ? argument : argument.slice(0, equals);
    const option = Object.hasOwn(valued, name) ? valued[name] : undefined;
    if (option && (equals >= 0 || i + 1 < args.length)) {
      const value = equals >= 0 ? argument.slice(equals + 1) : (args[++i] as string);
      if (option === "timeout") read.timeout = number(value);
      else if (option !== "passed over") read[option] = value;
    } else if (argument === "-i" || argument === "--interactive") read.interactive = true;
    else if (argument === "--no-interactive") read.interactive = false;
    else if (argument.includes("=") && !argument.startsWith("-")) {
      const at = argument.indexOf("=");
      const [key, value] = [argument.slice(0, at), argument.slice(at + 1)];
      read.overrides.push([key, value]);
      if (key === "paths.graph") read.graph = value;
    }
  }
  return read;
}

function number(text: string): number | undefined {
  const value = Number(text.replace(/_/g, ""));
  return text.trim() === "" || !Number.isFinite(value) ? undefined : value;
}
