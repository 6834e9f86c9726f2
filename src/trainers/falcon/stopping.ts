// What a graceful stop of falcon is, and which signals lose its model: known of its versions, measured with
// the real one.

import type { StopOrder } from "../trainer.ts";

/**
 * falcon is asked by one interrupt, with and without its display. Read and measured in 0.5.1 and in the
 * newest source (dd41311, November 2026):
 * without a display cli.py handles SIGINT and nothing else; with it interactive.py handles SIGINT and
 * SIGTERM, but ray.init(), which comes after,
 * puts a handler of its own in the place of that for SIGTERM (sys.exit: nothing is saved). SIGUSR1 and
 * SIGUSR2 have no handler at all.
 * A second interrupt, however much later, drops the model.
 */
export const falconStop: StopOrder = "interrupt";
