// Reads NPZ, the archives of arrays that falcon writes its metrics in. Bounded, whatever an archive claims of
// itself.
import { unzipSync } from "fflate";

/** An array of an NPZ file, in C order. Integers beyond 2^53 lose precision. */
export interface NumpyArray {
  shape: number[];
  values: Float64Array;
}

/** One entry of a metric. A metric of vectors keeps the mean of each. */
export interface Point {
  step: number;
  value: number;
  /** Seconds since 1970. */
  time: number;
}

/** Arrays that unpack to more than this together are no metric's: falcon does not even compress them. */
const largestArray = 16 << 20;

/** The arrays of an NPZ file by name. @throws Error when it is no NPZ, or not all of it is there yet. */
export function readNpz(bytes: Uint8Array): Map<string, NumpyArray> {
  let room = largestArray;
  // what an archive claims of its members is made room for before it is unpacked
  const files = unzipSync(bytes, {
    filter: ({ name, originalSize }) => {
      if (!name.endsWith(".npy") || originalSize > room) return false;
      room -= originalSize;
      return true;
    },
  });
  const arrays = new Map<string, NumpyArray>();
  for (const [name, data] of Object.entries(files)) arrays.set(name.slice(0, -4), readNpy(data));
  return arrays;
}

/** Bytes of the longest header that is looked at; numpy itself refuses one of more than 10,000. */
const longestHeader = 10_000;

/** One NPY array. @throws Error for what is no NPY, is cut off, or holds no numbers. */
export function readNpy(data: Uint8Array): NumpyArray {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data.length < 12 || data[0] !== 0x93 || String.fromCharCode(...data.subarray(1, 6)) !== "NUMPY")
    throw new Error("not an NPY array");
  const wide = (data[6] as number) >= 2;
  const start = (wide ? 12 : 10) + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  if (start > longestHeader + 12) throw new Error("an NPY array with a header that is none");
  const header = new TextDecoder("latin1").decode(data.subarray(wide ? 12 : 10, start));
  const type = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map(Number);
  if (type === undefined) throw new Error("an NPY array without a type");
  const read = readerOf(type);
  const size = shape.reduce((a, b) => a * b, 1);
  if (!shape.every((n) => Number.isInteger(n) && n >= 0)) throw new Error("an NPY array without a shape");
  if (start + size * read.width > data.length) throw new Error("an NPY array that is cut off");
  const values = new Float64Array(size);
  for (let i = 0; i < size; i++) values[i] = read.at(view, start + i * read.width);
  if (/'fortran_order':\s*True/.test(header) && shape.length > 1) throw new Error("an NPY array in Fortran order");
  return { shape, values };
}

function readerOf(type: string): { width: number; at: (view: DataView, offset: number) => number } {
  const little = type[0] !== ">";
  switch (type.slice(1)) {
    case "f8":
      return { width: 8, at: (view, o) => view.getFloat64(o, little) };
    case "f4":
      return { width: 4, at: (view, o) => view.getFloat32(o, little) };
    case "i8":
      return { width: 8, at: (view, o) => Number(view.getBigInt64(o, little)) };
    case "u8":
      return { width: 8, at: (view, o) => Number(view.getBigUint64(o, little)) };
    case "i4":
      return { width: 4, at: (view, o) => view.getInt32(o, little) };
    case "i2":
      return { width: 2, at: (view, o) => view.getInt16(o, little) };
    case "u1":
    case "b1":
      return { width: 1, at: (view, o) => view.getUint8(o) };
    default:
      throw new Error(`an NPY array of type ${type}`);
  }
}

/** The entries of one chunk. @throws Error when an array is missing. */
export function pointsOf(arrays: ReadonlyMap<string, NumpyArray>): Point[] {
  const [step, value, time] = ["step", "value", "walltime"].map((name) => arrays.get(name));
  if (!step || !value || !time) throw new Error("a chunk without step, value and walltime");
  const count = step.values.length;
  const width = count === 0 ? 1 : value.values.length / count;
  return Array.from(step.values, (s, i) => {
    let sum = 0;
    for (let k = 0; k < width; k++) sum += value.values[i * width + k] as number;
    return { step: s, value: sum / width, time: time.values[i] as number };
  });
}

/** Bytes that the arrays take. */
export function unpackedSize(arrays: ReadonlyMap<string, NumpyArray>): number {
  let size = 0;
  for (const { values } of arrays.values()) size += values.byteLength;
  return size;
}
