// Answers of nvidia-smi to our two questions (--format=csv,noheader,nounits). No machine with a GPU was to be
// had where they were written: they follow
// the program's manual (nvidia-smi --help-query-gpu), and for a divided GPU in a container what a user of
// driver 535.161.08 posted
// (Stability-AI/StableSwarmUI, issue 388: "NVIDIA A100-SXM4-80GB, 535.161.08, 47, [N/A], [N/A], [Insufficient
// Permissions], ...").
export const nvidiaAnswers = {
  one: {
    gpus: ["0, GPU-8a3f2c51-6b1d-4e0c-9f2a-0b7c1d2e3f40, NVIDIA H100 80GB HBM3, 97, 61203, 81559, 612.37, 58, Disabled"],
    processes: ["GPU-8a3f2c51-6b1d-4e0c-9f2a-0b7c1d2e3f40, 4711, 61190"],
  },
  four: {
    gpus: [0, 1, 2, 3].map(
      (i) =>
        `${i}, GPU-0000000${i}-6b1d-4e0c-9f2a-0b7c1d2e3f40, Tesla V100-SXM2-32GB, ${i * 30}, ${i * 1000}, 32768, ${40 + i}.01, ${30 + i}, [N/A]`,
    ),
    processes: ["GPU-00000001-6b1d-4e0c-9f2a-0b7c1d2e3f40, 4711, 990", "GPU-00000003-6b1d-4e0c-9f2a-0b7c1d2e3f40, 4712, 2990"],
  },
  mig: {
    gpus: [
      "0, GPU-5d1f0a9e-6b1d-4e0c-9f2a-0b7c1d2e3f40, NVIDIA A100-SXM4-80GB, [N/A], [Insufficient Permissions], [Insufficient Permissions], 63.10, 47, Enabled",
    ],
    processes: ["GPU-5d1f0a9e-6b1d-4e0c-9f2a-0b7c1d2e3f40, [N/A], [N/A]"],
  },
  /** Words and status where there is nothing to ask. */
  failures: [
    [
      "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.",
      9,
    ],
    ["No devices were found", 6],
  ],
} as const;
