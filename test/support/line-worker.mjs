// The worker of lines and exports from its source, for unit tests: a worker thread does not take --import tsx
// over.
import { register } from "tsx/esm/api";

register();
await import("../../src/export/worker.ts");
