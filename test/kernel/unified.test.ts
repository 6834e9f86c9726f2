// A real Slurm whose control groups are of version 2 alone, as on today's distributions: the tests of jobs
// that show where a session lives and how it ends, under a kernel of their own.
import { test } from "node:test";
import { noMachine, passInMachine } from "../support/machines/machine.ts";
import { noSlurm } from "../support/machines/slurm.ts";

test(
  "control groups of version 2: a session lives and ends in its job's, nobody's end touches a neighbour",
  {
    skip: noSlurm() || noMachine(),
  },
  () => passInMachine("test/batch/jobs.test.ts", { names: /two jobs of one user on one node|srun --pty: d asks/, passing: 2 }),
);
