// Writes NPZ, numpy's archive of arrays: version 1.0 of its format (numpy.lib.format), 64-bit floats and
// text.
import { type Zippable, zipSync } from "fflate";

/** An array of one dimension. Text has no dimension. */
export type NpzArray = Float64Array<ArrayBuffer> | string;

/** The archive, packed: losses by epoch pack to a half. */
export function npzOf(arrays: ReadonlyMap<string, NpzArray>): Uint8Array {
  const files: Zippable = {};
  for (const [name, array] of arrays) files[`${name}.npy`] = typeof array === "string" ? textArray(array) : floatArray(array);
  return zipSync(files, { level: 6 });
}

/** Every machine that we are built for has the low byte first. */
function floatArray(values: Float64Array): Uint8Array {
  return withHeader("<f8", `(${values.length},)`, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

/**
 * A text without a dimension: `str(archive["meta"])`. Each character takes four bytes, as numpy keeps text.
 */
function textArray(text: string): Uint8Array {
  const points = [...text].map((character) => character.codePointAt(0) as number);
  const bytes = new Uint8Array(points.length * 4);
  const view = new DataView(bytes.buffer);
  points.forEach((point, i) => {
    view.setUint32(i * 4, point, true);
  });
  return withHeader(`<U${points.length}`, "()", bytes);
}

/** Magic, version and a header that fills up to a multiple of 64 bytes, as the format has it. */
function withHeader(type: string, shape: string, data: Uint8Array): Uint8Array {
  const words = `{'descr': '${type}', 'fortran_order': False, 'shape': ${shape}, }`;
  const length = Math.ceil((10 + words.length + 1) / 64) * 64 - 10;
  const header = Buffer.from(`${words.padEnd(length - 1)}\n`, "latin1");
  const head = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, header.length & 0xff, header.length >> 8]);
  return Buffer.concat([head, header, data]);
}
