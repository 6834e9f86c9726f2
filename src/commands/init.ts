// falcon init: the shell function by which `falcon` means ours in every environment, and the completion, for eval "$(falcon-sessions init bash)".
import path from "node:path";
import { Failure, Status } from "../base/failure.ts";
import { nativeFolder } from "../platform/native.ts";
import type { CommandSpec } from "./command.ts";
import { completeCommand } from "./completion.ts";

/** A Python environment puts its own `falcon` first on PATH, but nothing goes before a function of the shell. */
const scripts: Readonly<Record<string, (client: string) => string>> = { bash, zsh, fish };

export const init: CommandSpec = {
  name: "init",
  summary: 'shell function and completion: eval "$(falcon-sessions init bash)"',
  words: { shell: ["bash", "zsh", "fish"] },
  define(command) {
    command.argument("<shell>", "bash, zsh or fish");
  },
  async run(call, _context, [shell]) {
    const script = shellScript(shell ?? "", path.join(nativeFolder, "falcon"));
    if (script === undefined) throw new Failure(`init ${shell}: say bash, zsh or fish`, Status.usage);
    call.stdout(script);
    return Status.ok;
  },
};

/** The script for a shell, or undefined for one that we do not know. `client` is used where `falcon-sessions` is not on PATH. */
export function shellScript(shell: string, client: string): string | undefined {
  return Object.hasOwn(scripts, shell) ? scripts[shell]?.(client) : undefined;
}

function bash(client: string): string {
  return `# falcon-sessions: \`falcon\` is ours in every environment; what is not ours goes to the Python falcon that stands first on PATH
__falcon_sessions() {
  if type -P falcon-sessions >/dev/null; then command falcon-sessions "$@"; else ${quoted(client)} "$@"; fi
}
falcon() { __falcon_sessions "$@"; }
__falcon_sessions_complete() {
  local line word current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  while IFS= read -r line; do
    word="\${line%%$'\\t'*}"
    printf -v word %q "$word"
    # readline completes only what stands behind the last colon
    if [[ "$current" == *:* && "$COMP_WORDBREAKS" == *:* ]]; then word="\${word#"\${current%"\${current##*:}"}"}"; fi
    COMPREPLY+=("$word")
  done < <(__falcon_sessions ${completeCommand} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o bashdefault -o default -F __falcon_sessions_complete falcon falcon-sessions
`;
}

function zsh(client: string): string {
  return `# falcon-sessions: \`falcon\` is ours in every environment; what is not ours goes to the Python falcon that stands first on PATH
__falcon_sessions() {
  if (( $+commands[falcon-sessions] )); then command falcon-sessions "$@"; else ${quoted(client)} "$@"; fi
}
falcon() { __falcon_sessions "$@" }
__falcon_sessions_complete() {
  local -a found
  local line word
  for line in "\${(@f)$(__falcon_sessions ${completeCommand} "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] || continue
    word="\${line%%$'\\t'*}"
    found+=("\${word//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( $#found )); then _describe -V falcon found; else _files; fi
}
if (( $+functions[compdef] )); then
  compdef __falcon_sessions_complete falcon falcon-sessions
else
  # compinit comes later in the start file: registered at the first prompt
  __falcon_sessions_register() {
    (( $+functions[compdef] )) && compdef __falcon_sessions_complete falcon falcon-sessions
    add-zsh-hook -d precmd __falcon_sessions_register
  }
  autoload -Uz add-zsh-hook && add-zsh-hook precmd __falcon_sessions_register
fi
`;
}

function fish(client: string): string {
  const escaped = `'${client.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  return `# falcon-sessions: \`falcon\` is ours in every environment; what is not ours goes to the Python falcon that stands first on PATH
function __falcon_sessions
    if command -q falcon-sessions
        command falcon-sessions $argv
    else
        ${escaped} $argv
    end
end
function falcon --description 'training runs that you can leave and come back to'
    __falcon_sessions $argv
end
function __falcon_sessions_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    test (count $current) -gt 0; or set current ''
    set -l found (__falcon_sessions ${completeCommand} $words[2..-1] $current 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path $current
    end
end
complete -c falcon -f -a '(__falcon_sessions_complete)'
complete -c falcon-sessions -f -a '(__falcon_sessions_complete)'
`;
}

/** For bash and zsh. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
