// Of what kind a value is that was stored: a crash, a hand or another version may have left anything there.

export function isText(value: unknown): value is string {
  return typeof value === "string";
}

export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isCommand(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every(isText);
}

export function isEnvironment(value: unknown): value is Record<string, string> {
  return isTable(value) && Object.values(value).every(isText);
}
