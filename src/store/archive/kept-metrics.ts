// Copies of a run's metrics, kept for the parts that will write over them.
import fs from "node:fs";
import path from "node:path";
import { namesIn } from "../../base/names-in.ts";
import { replaceByCopy } from "../../base/replace-file.ts";

/**
 * Bytes of metric files that a part has there at most, and files: a node writes five metrics, a chunk each
 * hundred epochs.
 */
const mostMetrics = 16 << 20;
const mostMetricFiles = 2_000;

/**
 * Copies the metrics of all nodes, `<graph>/<node>/metrics/<group>/<metric>/chunk_*.npz`, and of their actors
 * (`<graph>/<node>/train/metrics`), to the same places below `to`; the newest first where they are too many.
 */
export function copyMetrics(graph: string, to: string): void {
  // logs and models lie beside them
  const folders = (at: string) => namesIn(at).filter((name) => isFolder(path.join(at, name)));
  const chunks = folders(graph)
    .flatMap((node) => [node, ...folders(path.join(graph, node)).map((actor) => path.join(node, actor))])
    .flatMap((node) => {
      const below = path.join(graph, node, "metrics");
      if (!isFolder(below)) return [];
      return (fs.readdirSync(below, { recursive: true }) as string[]).map((file) => ({
        from: path.join(below, file),
        name: path.join(node, "metrics", file),
      }));
    })
    .filter(({ name }) => name.endsWith(".npz"))
    .flatMap((chunk) => {
      const stat = fs.lstatSync(chunk.from, { throwIfNoEntry: false });
      return stat?.isFile() ? [{ ...chunk, stat }] : [];
    })
    .sort((a, b) => b.stat.mtimeMs - a.stat.mtimeMs);
  let room = mostMetrics;
  for (const { from, name, stat } of chunks.slice(0, mostMetricFiles)) {
    room -= stat.size;
    if (room < 0) return;
    const target = path.join(to, name);
    const there = fs.statSync(target, { throwIfNoEntry: false });
    if (there !== undefined && there.size === stat.size && there.mtimeMs >= stat.mtimeMs) continue;
    fs.mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 });
    replaceByCopy(from, target);
  }
}

export function isFolder(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
}
