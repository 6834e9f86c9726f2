// How the values of settings are read: each reader answers in the code's own units, or says what the value
// must be.
import { durationOf } from "../text/quantity.ts";

export type Value = unknown;
/** Thrown by a setting's reader; the message completes `key must be …`. */
export class Unfit extends Error {}

export function isTable(value: Value): value is Record<string, Value> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

export function integer(value: Value, least: number, most: number): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least || value > most) {
    throw new Unfit(`a whole number from ${least} to ${most}`);
  }
  return value;
}

export function boolean(value: Value): boolean {
  if (typeof value !== "boolean") throw new Unfit("true or false");
  return value;
}

export function milliseconds(value: Value, none: "never" | undefined): number {
  if (none !== undefined && (value === none || value === false)) return 0;
  const time = typeof value === "string" ? durationOf(value) : undefined;
  if (time === undefined || time < 1000 || time > 100 * 365 * 86_400_000) {
    throw new Unfit(`a time of at least a second, such as "90s", "12h" or "30d"${none === undefined ? "" : `, or "${none}"`}`);
  }
  return time;
}

/** A program and its arguments. */
function isProgram(value: Value): value is string[] {
  if (!Array.isArray(value) || value.length === 0 || value[0] === "") return false;
  return value.every((v) => typeof v === "string" && !v.includes("\0"));
}

export function words(value: Value): readonly string[] {
  if (isProgram(value)) return value;
  throw new Unfit('a program with its arguments, such as ["ssh", "-J", "gate"]');
}

export function command(value: Value): readonly string[] | null {
  if (value === false || value === "") return null;
  if (typeof value === "string" && !value.includes("\0")) return ["/bin/sh", "-c", value];
  if (isProgram(value)) return value;
  throw new Unfit('a program with its arguments, such as ["notify-send", "falcon"], or one string for the shell');
}

export function oneOf<const T extends string>(value: Value, allowed: readonly T[]): T {
  const found = allowed.find((a) => a === value);
  if (found === undefined) throw new Unfit(allowed.map((a) => `"${a}"`).join(" or "));
  return found;
}
