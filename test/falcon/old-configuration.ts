// The examples' configuration as earlier versions of falcon take it.
import assert from "node:assert/strict";
import fs from "node:fs";

/** What 0.3 called the buffer's settings; it asked for all of them. */
const oldestBuffer: Readonly<Record<string, string>> = {
  min_samples: "min_training_samples",
  max_samples: "max_training_samples",
  validation_samples: "validation_window_size",
  simulate_count: "resample_batch_size",
  simulate_interval: "resample_interval",
};

const isOldest = (version: string) => /^0\.[0-3]\./.test(version);

/** An estimator's numbers stood in groups. */
export const isGrouped = (version: string) => /^0\.[0-4]\./.test(version);

/** Rewrites an example's config.yml for this version. */
export function fitTo(version: string, config: string): void {
  if (/^0\.([0-4]\.|5\.0$)/.test(version)) withPlaces(config);
  if (isGrouped(version)) forGroups(config);
  if (isOldest(version)) forOldest(config);
}

/** The words that name the run directory. */
export function runOption(version: string, run: string): string[] {
  return [isOldest(version) ? "--run-dir" : "-o", run];
}

/** A setting of the buffer or of a node's max_epochs, as this version takes it. */
export function settingFor(version: string, setting: string): string {
  const [, node, most] = /^graph\.(\w+)\.estimator\.max_epochs=(\d+)$/.exec(setting) ?? [];
  if (node !== undefined) return mostEpochs(version, node, Number(most));
  const [, key = "", value] = /^buffer\.(\w+)=(.*)$/.exec(setting) ?? [];
  return isOldest(version) && oldestBuffer[key] !== undefined ? `buffer.${oldestBuffer[key]}=${value}` : setting;
}

/** The setting of max_epochs. */
export function mostEpochs(version: string, node: string, most: number): string {
  const key = isOldest(version) ? "loop.num_epochs" : isGrouped(version) ? "loop.max_epochs" : "max_epochs";
  return `graph.${node}.estimator.${key}=${most}`;
}

/** Before 0.5.1 the configuration said where a run's graph is; without it 0.5.0 makes a folder `???`. */
function withPlaces(config: string): void {
  const text = fs.readFileSync(config, "utf8");
  const places = `paths:
  graph: $${"{run_dir}"}/graph
  samples: $${"{run_dir}"}/samples
`;
  assert.ok(text.includes("paths:\n"));
  fs.writeFileSync(
    config,
    text.replace("paths:\n", () => places),
  );
}

/** The example as falcon 0.4 takes it: an estimator's numbers in groups, and an embedding. */
function forGroups(config: string): void {
  const text = fs.readFileSync(config, "utf8");
  const flat = /^ {6}max_epochs: .*?^ {6}num_layers: \d+\n/ms.exec(text)?.[0] ?? "";
  const number = (key: string) => new RegExp(`^ {6}${key}: (\\S+)$`, "m").exec(flat)?.[1];
  const optimizer = (lr: string | undefined) =>
    `      optimizer: {lr: ${lr}, lr_decay_factor: ${number("lr_decay_factor")}, scheduler_patience: ${number("lr_patience")}}\n`;
  const evidence = /^ {4}evidence: \[(\w+)\]$/m.exec(text)?.[1];
  const grouped =
    `      loop: {max_epochs: ${number("max_epochs")}, batch_size: ${number("batch_size")}, early_stop_patience: ${number("early_stop_patience")}}\n` +
    optimizer(number("lr")) +
    `      network: {hidden_dim: ${number("hidden_dim")}, num_layers: ${number("num_layers")}}\n` +
    `      embedding: {_target_: torch.nn.Identity, _input_: ${evidence}}\n`;
  assert.notEqual(flat, "", `${config} is another one than is known here`);
  fs.writeFileSync(
    config,
    text
      .replace(flat, grouped)
      .replace(/^ {6}lr: (\S+)\n/m, (_, lr: string) => optimizer(lr))
      .replace("  imports: [", "  import: [")
      .replace(/^ {2}import: .*$/m, '  import: "."'),
  );
}

/** The example, in groups already, as falcon 0.3 takes it. */
function forOldest(config: string): void {
  let text = fs.readFileSync(config, "utf8");
  for (const [now, then] of Object.entries(oldestBuffer)) text = text.replace(new RegExp(`^  ${now}:`, "m"), `  ${then}:`);
  fs.writeFileSync(
    config,
    text
      .replace("buffer:\n", "buffer:\n  keep_resampling: true\n")
      .replaceAll("falcon.estimators.GaussianFullCov", "falcon.estimators.Gaussian")
      .replace("{max_epochs:", "{num_epochs:"),
  );
}
