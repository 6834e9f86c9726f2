// Answers of nvidia-smi to our two questions, recorded on real machines by others and published; only their
// fields are put into our order, and units are left out as `nounits` does.
//
// - one, mig, notDivisible: utkuozdemir/nvidia_gpu_exporter (MIT), internal/captures at e656cd8, under load:
//   H100 and H100 with MIG by driver 590.48.01, L40S by 595.80; identifiers and serials are masked there
// - four: 2maz/slurm-monitor, tests/devices/test_gpus: four of the sixteen cards of one machine that compute,
//   numbered anew; an older driver, whose cards cannot be divided
// - migInContainer: Stability-AI/StableSwarmUI, issue 388, driver 535.161.08; power was not asked for there
// - windows: the first repository, GeForce RTX 2080 SUPER by 591.86: a process whose memory is not told
// - failures: NVIDIA/nvidia-docker, issue 988; NVIDIA/open-gpu-kernel-modules, issue 862
//
// Nobody has seen our own two commands answer on a real GPU yet.
const masked = "GPU-00000000-0000-0000-0000-000000000000";

export const nvidiaAnswers = {
  one: {
    gpus: [`0, ${masked}, NVIDIA H100 80GB HBM3, 100, 19818, 81559, 631.95, 59, Disabled`],
    processes: [`${masked}, 11327, 2566`, `${masked}, 11328, 1542`, `${masked}, 11345, 15690`],
  },
  four: {
    gpus: [
      "0, GPU-3410aa41-502b-5cf1-d8c4-58dc1c22fbc9, Tesla V100-SXM3-32GB, 98, 11149, 32500, 383.55, 62, [N/A]",
      "1, GPU-884e24ec-717d-5596-0a75-cdb279251a65, Tesla V100-SXM3-32GB, 64, 2513, 32500, 191.77, 51, [N/A]",
      "2, GPU-0a4d23ff-bbc5-b048-bcd5-db96716c86a2, Tesla V100-SXM3-32GB, 100, 19463, 32500, 352.89, 66, [N/A]",
      "3, GPU-3dc3397d-6caa-8a32-1299-aa3166d0d578, Tesla V100-SXM3-32GB, 58, 6439, 32500, 238.71, 54, [N/A]",
    ],
    processes: ["GPU-884e24ec-717d-5596-0a75-cdb279251a65, 4711, 2508", "GPU-3dc3397d-6caa-8a32-1299-aa3166d0d578, 4712, 6434"],
  },
  mig: {
    gpus: [`0, ${masked}, NVIDIA H100 80GB HBM3, [N/A], 11125, 81559, 433.78, 53, Enabled`],
    processes: [`${masked}, 21180, 2296`, `${masked}, 21181, 1272`, `${masked}, 21198, 7484`],
  },
  migInContainer: {
    gpus: [
      `0, ${masked}, NVIDIA A100-SXM4-80GB, [N/A], [Insufficient Permissions], [Insufficient Permissions], [N/A], 47, Enabled`,
    ],
    processes: [`${masked}, [N/A], [N/A]`],
  },
  notDivisible: {
    gpus: [`0, ${masked}, NVIDIA L40S, 9, 1235, 46068, 110.23, 54, [N/A]`],
    processes: [`${masked}, 20037, 538`, `${masked}, 20038, 681`],
  },
  windows: {
    gpus: [`0, ${masked}, NVIDIA GeForce RTX 2080 SUPER, 7, 1296, 8192, 97.43, 45, [N/A]`],
    processes: [`${masked}, 26660, [N/A]`],
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
