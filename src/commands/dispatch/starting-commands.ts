// The commands that start a session, which a server knows before any command is loaded (src/server/main.ts):
// those that say so of themselves (test/unit/commands/dispatch/starting-commands.test.ts).

export const startingCommands: ReadonlySet<string> = new Set(["launch", "relaunch", "run"]);
