// The manual pages, from the same table of commands as --help: falcon-sessions(1), and
// falcon-sessions-COMMAND(1) for each command.
// Usage (scripts/build.mjs does it): node BUNDLE FOLDER VERSION
// Writes the pages into FOLDER, and removes those of commands that are gone.
import type { EventEmitter } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { commandLine } from "../src/commands/dispatch/command-line.ts";
import { commands } from "../src/commands/dispatch/dispatch.ts";

type Spec = (typeof commands)[number];

const [, , folder, version] = process.argv;
if (folder === undefined || version === undefined) {
  console.error("usage: manual FOLDER VERSION");
  process.exit(2);
}
const offered = commands.filter((spec) => !spec.deprecated);
const pages = new Map([
  ["falcon-sessions.1", overview()],
  ...offered.map((spec) => [`falcon-sessions-${spec.name}.1`, commandPage(spec)] as const),
]);
fs.mkdirSync(folder, { recursive: true });
for (const name of fs.readdirSync(folder)) if (!pages.has(name)) fs.rmSync(path.join(folder, name));
for (const [name, text] of pages) fs.writeFileSync(path.join(folder, name), text);

/**
 * Text as troff has to be given it: nothing that a person wrote is a request, a quote or an escape, and
 * dashes are those of a terminal.
 */
function text(words: string): string {
  return words
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replace(
      /[^\x20-\x7e\n]/gu,
      (character) => `\\[u${(character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, "0")}]`,
    )
    .replace(/^\./gm, "\\&.");
}

function bold(words: string): string {
  return `\\fB${text(words)}\\fR`;
}

function italic(words: string): string {
  return `\\fI${text(words)}\\fR`;
}

function heading(name: string): string {
  return `.TH "${name.toUpperCase()}" 1 "" "falcon-sessions ${version}" "falcon-sessions"\n`;
}

function entry(term: string, what: string): string {
  return `.TP\n${term}\n${text(what)}\n`;
}

/** Lines as they stand. */
function verbatim(lines: string): string {
  return `.nf\n${text(lines)}\n.fi\n`;
}

function commandPage(spec: Spec): string {
  const command = commandLine(spec);
  const help = command.createHelp();
  const options = help.visibleOptions(command);
  const words = command.registeredArguments;
  let after = "";
  (command as unknown as EventEmitter).emit("afterHelp", {
    error: false,
    command,
    write: (words: string) => {
      after += words;
    },
  });
  after = after.replace(/\nExamples:\n[\s\S]*$/, spec.examples === undefined ? "$&" : "").trim();
  const usage = words.map((word) => {
    const name = `${word.name()}${word.variadic ? "..." : ""}`;
    return word.required ? italic(name) : `[${italic(name)}]`;
  });
  const name = `falcon-sessions-${spec.name}`;
  return [
    heading(name),
    `.SH NAME\n${text(name)} \\- ${text(spec.summary)}\n`,
    `.SH SYNOPSIS\n${bold(`falcon ${spec.name}`)} [${italic("options")}] ${usage.join(" ")}\n`,
    `.SH DESCRIPTION\n${text(command.description())}\n`,
    spec.aliases === undefined ? "" : `.PP\n${text(`Also: ${spec.aliases.map((alias) => `falcon ${alias}`).join(", ")}.`)}\n`,
    words.length === 0
      ? ""
      : `.SH ARGUMENTS\n${words.map((word) => entry(italic(word.name()), help.argumentDescription(word))).join("")}`,
    `.SH OPTIONS\n${options.map((option) => entry(bold(help.optionTerm(option)), help.optionDescription(option))).join("")}`,
    after === "" ? "" : `.SH NOTES\n${verbatim(after)}`,
    spec.examples === undefined ? "" : `.SH EXAMPLES\n${spec.examples.map(([line, what]) => entry(bold(line), what)).join("")}`,
    `.SH SEE ALSO\n.BR falcon\\-sessions (1)\n`,
  ].join("");
}

function overview(): string {
  const list = offered.map((spec) => entry(bold(`falcon ${spec.name}`), spec.summary)).join("");
  return `${heading("falcon-sessions")}.SH NAME
falcon\\-sessions \\- leave a training run and come back to it
.SH SYNOPSIS
.B falcon
.I command
[options]
.br
.B falcon\\-sessions
.I command
[options]
.SH DESCRIPTION
${text(`A program that is started by 'falcon launch' or 'falcon run' lives in a session, which belongs to no terminal: leave it, come back to it from any
terminal, read and search all that it ever said. Nothing but the program itself ends a session: no lost connection, no crash and no upgrade of
the session server. Any command that is not listed here goes to the Python falcon unchanged.`)}
.SH COMMANDS
Each has a page of its own:
.BR falcon\\-sessions\\-\\fIcommand\\fR (1).
${list}.SH KEYS
While attached:
${entry(bold("d"), "detaches from a falcon launch while its display is up; the run goes on.")}${entry(bold("Ctrl-\\"), "detaches from any session; typed twice it is sent to the program.")}${entry(bold("PageUp, or Ctrl-\\ then ["), "opens the history; q comes back.")}.SH EXIT STATUS
${entry("0", "done")}${entry("1", "there is no such session, or it is not in a state for it")}${entry("2", "the command line is wrong")}${entry("124", "falcon wait --timeout gave up")}${entry("125", "something went wrong on our side, or nobody saw the end of the program")}${entry("126, 127", "the program cannot be run, or was not found")}.PP
Any other status is that of the program itself.
.SH ENVIRONMENT
${entry(bold("FALCON_SESSIONS_HOME"), "folder of all state, instead of $XDG_STATE_HOME/falcon-sessions")}${entry(bold("FALCON_BIN"), "the Python falcon to use")}${entry(bold("NO_COLOR"), "no colours, wherever it is not empty")}.SH FILES
${entry(italic("$XDG_CONFIG_HOME/falcon-sessions/config.toml"), "settings; ~/.config where $XDG_CONFIG_HOME is not set")}${entry(italic("$XDG_STATE_HOME/falcon-sessions"), "sessions, their output and server.log; ~/.local/state where $XDG_STATE_HOME is not set")}.SH SEE ALSO
${offered.map((spec) => `.BR falcon\\-sessions\\-${spec.name.replaceAll("-", "\\-")} (1)`).join(",\n")}
`;
}
