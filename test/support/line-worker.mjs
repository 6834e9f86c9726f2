// The worker of lines and exports from its source, for unit tests. A worker thread does not take --import tsx
// over.
if (process.execArgv.includes("tsx")) (await import("tsx/esm/api")).register();
await import("../../src/export/worker.ts");
