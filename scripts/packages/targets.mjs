// The systems that packages are made for: how each is called by those who have to do with it.

/**
 * Key: our name, which is also better-sqlite3's. `zig`: its target; `wheel`: the tag of PyPI; `machine`: the
 * processor in the file's head (ELF or Mach-O).
 * glibc 2.28 is RHEL 8's, the oldest that clusters still run and that Node's own builds ask for.
 */
export const targets = {
  "linux-x64": { zig: "x86_64-linux-gnu.2.28", wheel: "manylinux_2_28_x86_64", system: "linux", libc: "glibc", machine: 62 },
  "linux-arm64": { zig: "aarch64-linux-gnu.2.28", wheel: "manylinux_2_28_aarch64", system: "linux", libc: "glibc", machine: 183 },
  "linuxmusl-x64": { zig: "x86_64-linux-musl", wheel: "musllinux_1_2_x86_64", system: "linux", libc: "musl", machine: 62 },
  "linuxmusl-arm64": { zig: "aarch64-linux-musl", wheel: "musllinux_1_2_aarch64", system: "linux", libc: "musl", machine: 183 },
  "darwin-arm64": { zig: "aarch64-macos.13.5", wheel: "macosx_13_5_arm64", system: "darwin", machine: 0x0100000c },
  "darwin-x64": { zig: "x86_64-macos.13.5", wheel: "macosx_13_5_x86_64", system: "darwin", machine: 0x01000007 },
};

/** The newest glibc that a file may ask for. */
export const newestGlibc = "2.28";

/** The target of this machine. */
export function ownTarget() {
  const musl = process.platform === "linux" && !process.report.getReport().header.glibcVersionRuntime;
  return `${process.platform}${musl ? "musl" : ""}-${process.arch}`;
}
