// One launch from start to summary: the driver, its nodes, stopping once gracefully and twice by force.
import fs from "node:fs";
import path from "node:path";
import type { LaunchOptions } from "./arguments.ts";
import { BadRequest, type Configuration } from "./config.ts";
import { Display, exponent, type NodeStatus, write } from "./display.ts";
import { type Epoch, Estimator, type SavedEstimator } from "./estimator.ts";
import { clock, NodeFiles, saveSamples, timestamp } from "./run-files.ts";
import { type Simulator, simulators } from "./simulators.ts";

/** A node that is trained. */
interface Trained {
  name: string;
  estimator: Estimator;
  files: NodeFiles;
  status: NodeStatus;
}

/** Milliseconds between two driver lines about the state of all nodes, as in falcon. */
const statusEvery = 60_000;

/** Runs the whole launch; the answer is the exit status. Rejects with what the training threw. */
export async function runPipeline(config: Configuration, options: LaunchOptions, banner: string): Promise<number> {
  return await new Pipeline(config, options).run(banner);
}

class Pipeline {
  #config: Configuration;
  #options: LaunchOptions;
  #graph: string;
  #samples: string;
  #started = new Date();
  #driver: NodeFiles;
  #nodes = new Map<string, NodeFiles>();
  #trained: Trained[] = [];
  #display: Display | undefined;
  #interrupts = 0;
  #stopping = false;
  #hanging = false;
  #stopped: (() => void)[] = [];
  #numbered = 0;
  #timers: NodeJS.Timeout[] = [];

  constructor(config: Configuration, options: LaunchOptions) {
    this.#config = config;
    this.#options = options;
    this.#graph = config.paths.graph ?? path.join(config.run_dir, "graph");
    this.#samples = config.paths.samples ?? path.join(config.run_dir, "samples");
    const now = () => new Date();
    this.#driver = new NodeFiles(this.#graph, "driver", now);
    for (const name of [...Object.keys(config.graph), "dataset"]) this.#nodes.set(name, new NodeFiles(this.#graph, name, now));
  }

  async run(banner: string): Promise<number> {
    this.#catchSignals();
    if (this.#options.interactive) {
      this.#display = new Display(this.#options.logLines + 4, (node, lines) => this.#nodes.get(node)?.tail(lines) ?? []);
      this.#display.start();
    }
    let outcome = "completed";
    try {
      this.#greet(banner);
      this.#buildNodes();
      this.#startTimers();
      await this.#train();
      this.#save();
      this.#samplePosterior();
      if (this.#stopping) outcome = "interrupted";
      return 0;
    } catch (error) {
      outcome = `failed (${(error as Error).name}: ${(error as Error).message})`;
      throw error;
    } finally {
      this.#leave(outcome);
    }
  }

  #greet(banner: string): void {
    this.#info(banner);
    this.#info(`Output: ${this.#config.run_dir}`);
    const nodes = Object.entries(this.#config.graph).map(
      ([name, node]) => `* ${name.padEnd(15)} <- ${(node.parents ?? []).join(", ").padEnd(45)} | ${node.simulator._target_}`,
    );
    this.#info(
      `Graph structure:\n  Node name          List of parents                                 Class name\n${nodes.join("\n")}`,
    );
    this.#info("Spinning up graph...");
    for (const name of Object.keys(this.#config.graph)) this.#info(`  ✓ ${name}`);
  }

  #buildNodes(): void {
    let seed = this.#config.seed;
    for (const [name, node] of Object.entries(this.#config.graph)) {
      const files = this.#nodes.get(name) as NodeFiles;
      const evidence = node.evidence?.[0];
      files.log("DEBUG", `Condition keys: [${(node.evidence ?? []).map((key) => `'${key}'`).join(", ")}]`);
      if (!node.estimator || evidence === undefined) continue;
      const simulator = simulators.get(this.#config.graph[evidence]?.simulator._target_ ?? "");
      if (!simulator)
        throw new BadRequest(`${name}: no simulator ${this.#config.graph[evidence]?.simulator._target_} in this trainer`);
      const saved = readModel(files.folder);
      if (saved) this.#info(`Loading ${name} from: ${path.join(files.folder, "model.json")}`);
      const estimator = new Estimator(this.#broken(simulator), node.estimator, this.#config.buffer, seed++, saved);
      const status: NodeStatus = { status: "idle", epoch: 0, epochs: node.estimator.max_epochs, loss: undefined, samples: 0 };
      this.#trained.push({ name, estimator, files, status });
    }
    const { min_samples, validation_samples } = this.#config.buffer;
    this.#info(`Generating ${min_samples + validation_samples} initial samples...`);
    for (const { estimator } of this.#trained) estimator.simulate(min_samples + validation_samples);
    this.#logBuffer(min_samples + validation_samples);
    this.#info(`Initial samples ready (0 loaded, ${min_samples + validation_samples} generated)`);
    this.#info("");
    this.#info("Starting analysis.");
  }

  /** With fail_at, a simulator that raises once training has come to that epoch. */
  #broken(simulator: Simulator): Simulator {
    const failAt = this.#config.fail_at;
    if (failAt === 0) return simulator;
    return {
      ...simulator,
      simulate: (theta, random) => {
        if (this.#trained.some((node) => node.status.epoch >= failAt - 1 && node.status.status === "training")) {
          throw new RangeError(`the simulator was told to fail in epoch ${failAt}`);
        }
        return simulator.simulate(theta, random);
      },
    };
  }

  #startTimers(): void {
    if (this.#display) this.#every(1000, () => this.#drawStatus());
    this.#every(statusEvery, () => this.#logStatus());
    if (this.#options.timeout !== undefined) {
      this.#timers.push(
        setTimeout(() => {
          this.#info(`Timeout reached (${this.#options.timeout}s), stopping gracefully...`);
          this.#stop();
        }, this.#options.timeout * 1000),
      );
    }
    const rate = this.#config.log_rate;
    if (rate > 0) {
      const start = Date.now();
      this.#every(Math.max(1, Math.min(1000 / rate, 50)), () => {
        for (const due = Math.floor(((Date.now() - start) / 1000) * rate); this.#numbered < due; )
          this.#info(`line ${++this.#numbered}`);
      });
    }
  }

  #every(milliseconds: number, action: () => void): void {
    this.#timers.push(setInterval(() => !this.#hanging && action(), milliseconds));
  }

  async #train(): Promise<void> {
    const results = await Promise.allSettled(this.#trained.map((node) => this.#trainNode(node)));
    const failure = results.find((result) => result.status === "rejected");
    if (failure) throw failure.reason;
    this.#info("");
    this.#info("Analysis completed.");
  }

  async #trainNode(node: Trained): Promise<void> {
    const { name, estimator, files, status } = node;
    status.status = "training";
    this.#info(`[${name}] Training started`);
    files.log("INFO", `[${name}] Training started`);
    const start = Date.now();
    try {
      for (let epoch = 1; epoch <= estimator.settings.max_epochs; epoch++) {
        if (this.#config.hang_at > 0 && epoch >= this.#config.hang_at) this.#hanging = true;
        await this.#pause(
          this.#hanging
            ? Number.POSITIVE_INFINITY
            : this.#config.rate > 0
              ? start + (1000 * (epoch - 1)) / this.#config.rate - Date.now()
              : 0,
        );
        if (this.#stopping && epoch > 1) break;
        files.metric("epoch", estimator.totalEpochs + 1);
        if (epoch > 1) estimator.simulate(this.#config.buffer.simulate_count);
        const result = estimator.epoch();
        this.#report(node, epoch, result, (Date.now() - start) / 60_000);
        if (estimator.stuck) {
          files.log("INFO", "Early stopping triggered.");
          break;
        }
      }
    } catch (error) {
      status.status = "error";
      files.log("ERROR", `${(error as Error).name}: ${(error as Error).message}`);
      this.#stop();
      throw error;
    }
    status.status = "done";
    const done = `[${name}] Training completed (loss: ${estimator.bestLoss.toFixed(4)})`;
    files.log("INFO", done);
    this.#info(done);
  }

  #report({ estimator, files, status }: Trained, epoch: number, result: Epoch, minutes: number): void {
    for (const loss of result.stepLosses) files.metric("train:loss", loss);
    files.metric("val:loss", result.validationLoss);
    if (result.best) files.metric("checkpoint", epoch - 1);
    files.metric("lr", result.rate);
    files.metric("total_steps", estimator.steps);
    files.metric("n_samples", estimator.simulated);
    files.metric("elapsed_minutes", minutes);
    status.epoch = epoch;
    status.loss = result.validationLoss;
    status.samples = estimator.simulated;
    if (epoch > 1) this.#logBuffer(this.#config.buffer.simulate_count);
    files.log(
      "INFO",
      `Epoch ${estimator.totalEpochs}/${estimator.settings.max_epochs} | steps=${estimator.steps} | n_sims=${estimator.simulated}` +
        ` | train_loss=${exponent(result.trainLoss, 3)} | val_loss=${exponent(result.validationLoss, 3)} | lr=${exponent(result.rate, 3)}`,
    );
  }

  #buffered(): { total: number; training: number; validation: number } {
    const sum = (f: (e: Estimator) => number) => this.#trained.reduce((total, { estimator }) => total + f(estimator), 0);
    return {
      total: sum((e) => e.simulated),
      training: sum((e) => e.trainingSamples),
      validation: sum((e) => e.validationSamples),
    };
  }

  #logBuffer(added: number): void {
    const dataset = this.#nodes.get("dataset") as NodeFiles;
    const { total, training, validation } = this.#buffered();
    dataset.metric("buffer/n_total", total);
    dataset.metric("buffer/n_training", training);
    dataset.metric("buffer/n_validation", validation);
    dataset.log("INFO", `Appended ${added} samples | total=${total} train=${training} val=${validation}`);
  }

  #logStatus(): void {
    for (const { name, status } of this.#trained) {
      if (status.status !== "training") continue;
      this.#info(
        `[${name}] epoch ${status.epoch}/${status.epochs}, loss ${status.loss === undefined ? "?" : status.loss.toFixed(2)}`,
      );
    }
    const { total, training, validation } = this.#buffered();
    this.#info(`Buffer: ${training} train, ${validation} val (${total} total)`);
  }

  #drawStatus(): void {
    const display = this.#display as Display;
    const idle: NodeStatus = { status: "idle", epoch: 0, epochs: 0, loss: undefined, samples: 0 };
    for (const name of Object.keys(this.#config.graph))
      display.node(name, this.#trained.find((n) => n.name === name)?.status ?? idle);
    display.node("dataset", { ...idle, status: "active" });
    display.buffer(this.#buffered().training);
    display.draw();
  }

  #save(): void {
    for (const { estimator, files } of this.#trained) {
      const file = path.join(files.folder, "model.json");
      fs.writeFileSync(`${file}.new`, JSON.stringify(estimator.save()));
      fs.renameSync(`${file}.new`, file); // a run that is killed here keeps its earlier model
    }
  }

  #samplePosterior(): void {
    const count = this.#config.sample.posterior.n;
    if (!this.#options.autoSample || count === 0) return;
    this.#info(`Generating ${count} posterior samples...`);
    const drawn = this.#trained.map(({ name, estimator }) => [name, estimator.posterior(count)] as const);
    const folder = saveSamples(this.#samples, "posterior", Object.fromEntries(drawn));
    this.#info("Generated samples with shapes:");
    for (const [name, values] of drawn) this.#info(`  ${name}: (${values.length}, ${values[0]?.length ?? 0})`);
    this.#info(`Saved ${count} posterior samples to: ${folder}/`);
  }

  #leave(outcome: string): void {
    for (const timer of this.#timers) clearInterval(timer);
    const summary = this.#summary(outcome);
    for (const line of summary) this.#info(line);
    const display = this.#display;
    if (display?.running) {
      display.stop();
      write(`${summary.join("\n")}\n`);
    }
    for (const files of this.#nodes.values()) files.close();
    this.#driver.close();
    process.removeAllListeners("SIGINT");
    process.removeAllListeners("SIGTERM");
  }

  #summary(outcome: string): string[] {
    const ended = new Date();
    const rule = "=".repeat(60);
    const { total, training, validation } = this.#buffered();
    return [
      rule,
      `falcon launch ${outcome}`,
      `Output:  ${this.#config.run_dir}`,
      `Samples: ${this.#samples}`,
      `Logs:    ${path.join(this.#graph, "driver", "output.log")}  (driver)`,
      `         ${path.join(this.#graph, "<node>", "output.log")}  (per-node: ${Object.keys(this.#config.graph).join(", ")})`,
      `Started: ${timestamp(this.#started).replace("T", " ")}`,
      `Ended:   ${timestamp(ended).replace("T", " ")}`,
      `Runtime: ${duration((ended.getTime() - this.#started.getTime()) / 1000)}`,
      "Trainer: the stand-in of falcon-sessions (no Python, no Ray)",
      "Nodes:",
      ...Object.keys(this.#config.graph).map((name) => {
        const node = this.#trained.find((n) => n.name === name);
        if (!node) return `  ${name}: idle`;
        const { status, epoch, epochs, loss, samples } = node.status;
        const parts = [status, `${epoch}/${epochs} epochs`];
        if (loss !== undefined) parts.push(`loss=${Number(loss.toPrecision(4))}`);
        if (samples > 0) parts.push(`${samples} sims`);
        return `  ${name}: ${parts.join(" | ")}`;
      }),
      `Samples generated: ${total} total | ${training} train, ${validation} val (${training + validation} live in buffer)`,
      rule,
    ];
  }

  #catchSignals(): void {
    const handle = (signal: "SIGINT" | "SIGTERM") => {
      this.#interrupts++;
      if (this.#interrupts > 1) this.#force(signal);
      const message = "\x1b[33m⚠ Stopping gracefully... (Ctrl+C again to force quit)\x1b[0m";
      if (this.#display) this.#display.log(message);
      else write(`\n${message}\n`);
      if (this.#hanging) return; // as falcon when its handler meets a lock: the wish is noted, nothing follows
      this.#info("Graceful stop requested, finishing current epoch...");
      this.#stop();
    };
    process.on("SIGINT", () => handle("SIGINT"));
    process.on("SIGTERM", () => handle("SIGTERM"));
  }

  #stop(): void {
    this.#stopping = true;
    for (const wake of this.#stopped.splice(0)) wake();
  }

  /**
   * The second signal: nothing is saved. Ends with the Python falcon's statuses: 1 after KeyboardInterrupt,
   * 128 + 15 after SIGTERM.
   */
  #force(signal: "SIGINT" | "SIGTERM"): never {
    this.#leave("interrupted");
    if (signal === "SIGTERM") process.exit(143);
    process.stderr.write("KeyboardInterrupt\n");
    process.exit(1);
  }

  /** Waits, or less when the run is to stop. Always lets signals and keys through. */
  async #pause(milliseconds: number): Promise<void> {
    if (milliseconds <= 0) return await new Promise((done) => setImmediate(done));
    if (this.#stopping && !this.#hanging) return;
    await new Promise<void>((done) => {
      const timer = setTimeout(done, Math.min(milliseconds, 2 ** 31 - 1));
      this.#stopped.push(() => {
        clearTimeout(timer);
        done();
      });
    });
  }

  #info(message: string): void {
    const now = new Date();
    this.#driver.log("INFO", message, now);
    if (!this.#display) write(`${timestamp(now)} [INFO] ${message}\n`);
    else if (this.#display.running) this.#display.log(`${clock(now)} [INFO] ${message}`);
  }
}

function readModel(folder: string): SavedEstimator | undefined {
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, "model.json"), "utf8")) as SavedEstimator;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new BadRequest(`${path.join(folder, "model.json")} cannot be read: ${(error as Error).message}`);
  }
}

/** 4m 23s, 1h 02m 05s. */
function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return h > 0 ? `${h}h ${two(m)}m ${two(s)}s` : m > 0 ? `${m}m ${two(s)}s` : `${s}s`;
}
