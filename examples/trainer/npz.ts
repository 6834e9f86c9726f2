// Writes numpy's NPZ files: a stored (uncompressed) zip of NPY arrays, the same that numpy.savez makes.

/** One array: numbers in C order with their shape. Integers are written as int64, others as float64. */
export interface NumpyArray {
  shape: readonly number[];
  values: ArrayLike<number>;
  type: "int64" | "float64";
}

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const b of bytes) c = (crcTable[(c ^ b) & 255] as number) ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** The NPY file (format 1.0) of one array. */
export function npy(array: NumpyArray): Buffer {
  const size = array.shape.reduce((a, b) => a * b, 1);
  if (array.values.length !== size)
    throw new RangeError(`${array.values.length} values for the shape (${array.shape.join(", ")})`);
  const shape = array.shape.length === 1 ? `${array.shape[0]},` : array.shape.join(", ");
  const text = `{'descr': '${array.type === "int64" ? "<i8" : "<f8"}', 'fortran_order': False, 'shape': (${shape}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64; // the data begins on a multiple of 64 bytes
  const head = Buffer.alloc(length, " ");
  head.write("\x93NUMPY\x01\x00", 0, "latin1");
  head.writeUInt16LE(length - 10, 8);
  head.write(text, 10, "latin1");
  head[length - 1] = 10;
  const data = Buffer.alloc(size * 8);
  for (let i = 0; i < size; i++) {
    const value = array.values[i] as number;
    if (array.type === "int64") data.writeBigInt64LE(BigInt(Math.trunc(value)), i * 8);
    else data.writeDoubleLE(value, i * 8);
  }
  return Buffer.concat([head, data]);
}

/** The NPZ file of named arrays. */
export function npz(arrays: Readonly<Record<string, NumpyArray>>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, array] of Object.entries(arrays)) {
    const data = npy(array);
    const file = Buffer.from(`${name}.npy`);
    const fields = Buffer.alloc(26); // from "version needed" to "extra length", the same in both headers
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(0x21, 8); // 1980-01-01: an NPZ of the same arrays is the same file
    fields.writeUInt32LE(crc32(data), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(data.length, 18);
    fields.writeUInt16LE(file.length, 22);
    parts.push(Buffer.from("PK\x03\x04", "latin1"), fields, file, data);
    const made = Buffer.from([20, 3]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(0o600 << 16, 6);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.from("PK\x01\x02", "latin1"), made, fields, rest, file);
    offset += 4 + 26 + file.length + data.length;
  }
  const central = Buffer.concat(directory);
  const count = Object.keys(arrays).length;
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}
