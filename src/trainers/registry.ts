// The trainers that there are, the more particular first. Adding one is its folder and its line here.
import { falcon } from "./falcon/trainer.ts";
import { none } from "./none/trainer.ts";
import { program } from "./program/trainer.ts";
import type { Launcher, TrainedSession, Trainer } from "./trainer.ts";

export const allTrainers: readonly Trainer[] = [falcon, program, none];

/** The trainer that `falcon launch` starts. */
export const launcher: Launcher = falcon;

/** The trainer of a session that is being started. */
export function trainerFor(session: TrainedSession): Trainer {
  return allTrainers.find((trainer) => trainer.is(session)) ?? none;
}

/** The trainer of this name; `none` where an earlier or later version knew one that we do not. */
export function trainerNamed(name: string): Trainer {
  return allTrainers.find((trainer) => trainer.name === name) ?? none;
}
