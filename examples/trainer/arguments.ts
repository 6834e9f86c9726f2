// The command line of the trainer: falcon launch's own options.
import { BadRequest } from "./config.ts";

/** What `launch` was asked for. */
export interface LaunchOptions {
  output: string | undefined;
  overrides: string[];
  interactive: boolean;
  logLines: number;
  autoSample: boolean;
  /** Seconds after which the run stops gracefully. */
  timeout: number | undefined;
}

export const usage = `Usage:
  trainer launch [-o|--output DIR] [-i|--interactive] [--no-interactive] [--log-lines N]
                 [--no-auto-sample] [--timeout SECONDS] [key=value ...]

  epochs=N      epochs of each of the two nodes (60)      rate=X   epochs per second and node, 0: no pause (1.2)
  samples=N     simulations before the start (2048)       seed=N   the same seed trains the same networks (1)
  any other setting by its place in config.yml, e.g. graph.line.estimator.lr=0.01
For tests of what watches a run:
  log_rate=N    N numbered driver lines a second          fail_at=N  the simulator raises in epoch N
  hang_at=N     everything stands still from epoch N on; only a second Ctrl+C helps`;

/** Undefined: print the usage. An option that takes a value and has none is ignored, as in falcon. */
export function parseArguments(argv: readonly string[], terminal: boolean): LaunchOptions | undefined {
  const [command, ...rest] = argv;
  if (command !== "launch") return undefined;
  const options: LaunchOptions = {
    output: undefined,
    overrides: [],
    interactive: terminal,
    logLines: 16,
    autoSample: true,
    timeout: undefined,
  };
  for (let i = 0; i < rest.length; i++) {
    const argument = rest[i] as string;
    const [name = "", inline] = argument.startsWith("--") && argument.includes("=") ? split(argument) : [argument, undefined];
    const value = () => inline ?? (i + 1 < rest.length ? rest[++i] : undefined);
    if (name === "-o" || name === "--output" || name === "--run-dir") options.output = value() ?? options.output;
    else if (name === "-c" || name === "--config" || name === "--config-name") value();
    else if (name === "-i" || name === "--interactive") options.interactive = true;
    else if (name === "--no-interactive") options.interactive = false;
    else if (name === "--no-auto-sample") options.autoSample = false;
    else if (name === "--timeout") options.timeout = number(name, value());
    else if (name === "--log-lines") options.logLines = Math.trunc(number(name, value()) ?? 16);
    else if (argument.includes("=") && !argument.startsWith("-")) options.overrides.push(argument);
  }
  return options;
}

function split(argument: string): [string, string] {
  const at = argument.indexOf("=");
  return [argument.slice(0, at), argument.slice(at + 1)];
}

function number(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new BadRequest(`${name} needs a number, not "${text}"`);
  return value;
}
