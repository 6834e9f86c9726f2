// The worker of lines and exports from its source, for unit tests.
import "../../src/export/worker.ts";
