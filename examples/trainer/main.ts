// An embedded trainer for machines without the Python falcon: `node dist/trainer.cjs launch [-o DIR]
// [key=value ...]`.
//
// It really trains: two small networks are fitted to the posterior of two simulated models by gradient
// descent. It writes falcon's run directory and draws falcon's display, so that everything that sessions do
// can be tried without Python. See README.md.
import { parseArguments, usage } from "./arguments.ts";
import { BadRequest, loadConfiguration } from "./config.ts";
import { runPipeline } from "./pipeline.ts";

/** Shown by --version and in the log: this is not the Python falcon. */
export const standIn = "falcon-sessions trainer, the stand-in for the Python falcon";

async function main(argv: readonly string[]): Promise<number> {
  const options = parseArguments(argv, Boolean(process.stdout.isTTY));
  if (!options) {
    process.stdout.write(`${standIn}\n\n${usage}\n`);
    return 0; // as the Python falcon does for a subcommand that it does not know
  }
  const { config, resumed } = loadConfiguration(options.output, options.overrides, new Date());
  if (resumed && !options.interactive) process.stdout.write(`Resuming from: ${config.run_dir}/config.yml\n`);
  return await runPipeline(config, options, standIn);
}

main(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    if (error instanceof BadRequest) {
      process.stderr.write(`${error.message}\n`);
      process.exit(2);
    }
    process.stderr.write(`Traceback (most recent call last):\n${String((error as Error).stack ?? error)}\n`);
    process.exit(1);
  },
);
