// The files of the page, read once at the start: nothing else of the disk can be asked for.
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

/** A file of the page. */
export interface Asset {
  type: string;
  plain: Buffer;
  packed: Buffer;
}

const types: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".html": "text/html; charset=utf-8",
};

/** What stands in index.html for what is known only when it is asked for. */
const nonceMark = "@nonce@";

/** By the name that is asked for. @param folder dist/web. @throws where the page was not built. */
export function readAssets(folder: string): Map<string, Asset> {
  const names = ["index.html", "page.js", "page.css", "icon.svg"];
  return new Map(names.map((name) => [name, { type: types[path.extname(name)] as string, ...readAsset(folder, name) }]));
}

/**
 * A file of the page; the large ones lie there compressed.
 * @param folder dist/web.
 * @throws where the page was not built.
 */
export function readAsset(folder: string, name: string): Pick<Asset, "plain" | "packed"> {
  const file = path.join(folder, name);
  if (!fs.existsSync(`${file}.gz`)) {
    const plain = fs.readFileSync(file);
    return { plain, packed: gzipSync(plain, { level: 9 }) };
  }
  const packed = fs.readFileSync(`${file}.gz`);
  return { plain: gunzipSync(packed), packed };
}

/** The page itself, for one request. */
export function pageWith(index: Asset): { html: Buffer; nonce: string } {
  const nonce = randomBytes(16).toString("base64");
  return { html: Buffer.from(index.plain.toString().replaceAll(nonceMark, nonce)), nonce };
}
