// The entry of `falcon share SESSION --to DIR`: writes one page with everything in it, and again while the
// run goes on.

import "../../base/no-debugger.ts";

import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { replaceFile } from "../../base/replace-file.ts";
import type { ShareSettings, WebCommand } from "../web-command.ts";
import type { SharedRun } from "../wire.ts";
import { readAsset } from "./assets.ts";
import { onEnd } from "./on-end.ts";
import { complain, say } from "./say.ts";
import { SessionServer } from "./session-server.ts";
import { RunGone, sharedRun } from "./shared-run.ts";

/** A page that could not be written is tried again after this time (ms): a mounted drive comes back. */
const retry = 30_000;

async function main(): Promise<void> {
  process.umask(0o022);
  const { home, outlivesTerminal, options } = JSON.parse(process.argv[2] ?? "{}") as WebCommand<ShareSettings>;
  const server = new SessionServer(home);
  onEnd(outlivesTerminal, () => process.exit(0));
  for (let told = false; ; ) {
    let pause = options.every;
    try {
      const shared = await sharedRun(server, options.session);
      const page = pageOf(shared, path.join(import.meta.dirname, "web"));
      const size = write(options.to, page);
      const file = path.join(options.to, "index.html");
      const again = shared.row.live ? `, again each ${options.every / 1000} s while it runs` : "";
      if (!told) say(`${file}: ${Math.ceil(size / 1024)} KiB${again}`);
      told = true;
      if (!shared.row.live) return;
    } catch (error) {
      if (!told || error instanceof RunGone) throw error;
      complain((error as Error).message);
      pause = Math.min(pause, retry);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** One file: script, style and data in it, and a policy that lets nothing else in. */
function pageOf(shared: SharedRun, assets: string): string {
  const nonce = randomBytes(16).toString("base64");
  // neither ends the element that it stands in
  const data = JSON.stringify(shared).replaceAll("<", "\\u003c");
  const script = readAsset(assets, "page.js").plain.toString().replaceAll("</script", "<\\/script");
  const style = readAsset(assets, "page.css").plain.toString().replaceAll("</style", "<\\/style");
  const own = `script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'`;
  const policy = `default-src 'none'; ${own}; img-src data:; base-uri 'none'; form-action 'none'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="style-nonce" content="${nonce}">
<title>${text(shared.row.name)} · falcon</title>
<style nonce="${nonce}">${style}</style>
</head>
<body>
<noscript>This page needs JavaScript.</noscript>
<script nonce="${nonce}" type="application/json" id="run">${data}</script>
<script nonce="${nonce}" type="module">${script}</script>
</body>
</html>
`;
}

function text(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/**
 * Whoever reads the folder finds the old page or the new one, whole. Answers its size in bytes. @throws
 * Error in one sentence.
 */
function write(folder: string, page: string): number {
  try {
    fs.mkdirSync(folder, { recursive: true });
    replaceFile(path.join(folder, "index.html"), page, 0o644);
    return Buffer.byteLength(page);
  } catch (error) {
    throw new Error(`${folder} cannot be written to: ${(error as Error).message}`);
  }
}

main().catch((error: Error) => {
  complain(error.message);
  process.exit(125);
});
