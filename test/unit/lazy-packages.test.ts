// Packages that a bundle loads at their first call (scripts/lazy-packages.mjs): nothing of them runs before.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import vm from "node:vm";
import esbuild from "esbuild";
// @ts-expect-error: a script of the build, without types
import { lazyPackages } from "../../scripts/lazy-packages.mjs";
import { root } from "../support/paths.ts";

test("they run when they are called first, and answer what they would have", async () => {
  const source = `
    import width from "string-width";
    import unicode11, { Unicode11Addon } from "@xterm/addon-unicode11";
    import { unzipSync, zipSync } from "fflate";
    export { width, unicode11, Unicode11Addon, unzipSync, zipSync };`;
  const built = await esbuild.build({
    ...{ absWorkingDir: root, bundle: true, write: false, format: "cjs", platform: "node", logLevel: "silent" },
    ...{ stdin: { contents: source, resolveDir: root }, plugins: [lazyPackages] },
  });
  const exports: Record<string, never> = {};
  let segmenters = 0;
  /** string-width makes one when it is loaded. */
  class Segmenter extends Intl.Segmenter {
    constructor() {
      super();
      segmenters++;
    }
  }
  let tables = 0;
  /** fflate makes tables of them when it is loaded. */
  class Words extends Uint16Array {
    constructor(...args: [number]) {
      super(...args);
      tables++;
    }
  }
  const module = { exports };
  vm.runInNewContext(built.outputFiles[0]?.text ?? "", {
    module,
    require: createRequire(import.meta.url),
    Intl: { Segmenter },
    Uint8Array,
    Uint16Array: Words,
  });
  const { width, unicode11, Unicode11Addon, unzipSync, zipSync } = module.exports as unknown as {
    width(text: string): number;
    unicode11: { Unicode11Addon: new () => { activate(terminal: object): void } };
    Unicode11Addon: new () => { activate(terminal: object): void };
    zipSync(files: Record<string, Uint8Array>): Uint8Array;
    unzipSync(archive: Uint8Array): Record<string, Uint8Array>;
  };
  assert.equal(tables, 0);
  assert.deepEqual(Buffer.from(unzipSync(zipSync({ a: Buffer.from("text") })).a ?? []).toString(), "text");
  assert.ok(tables > 0);
  assert.ok(!built.outputFiles[0]?.text.includes("AsyncGzip"), "what nobody asks for is left out");
  assert.equal(segmenters, 0);
  assert.equal(width("a漢🙂"), 5);
  assert.equal(width("b"), 1);
  assert.equal(segmenters, 1);
  for (const Addon of [Unicode11Addon, unicode11.Unicode11Addon]) {
    const versions: string[] = [];
    new Addon().activate({ unicode: { register: ({ version }: { version: string }) => versions.push(version) } });
    assert.deepEqual(versions, ["11"]);
  }
});
