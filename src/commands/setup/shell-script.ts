// The scripts of `falcon init`, one for each shell: the function, the completion, the folder that stays first
// on PATH.

import { quoted } from "../../base/text/shell-words.ts";
import { initVariable } from "../../doctor/falcons.ts";
import { completeCommand } from "../dispatch/completion.ts";

type Script = (client: string, shim: string | undefined) => string;

/**
 * A Python environment puts its own `falcon` first on PATH, but nothing goes before a function of the shell.
 */
const scripts: Readonly<Record<string, Script>> = { bash, zsh, fish };

/** The shells that we know. */
export const shells: readonly string[] = Object.keys(scripts);

/**
 * The script for one of {@link shells}.
 * @param client used where `falcon-sessions` is not on PATH
 * @param shim the folder that is kept first on PATH
 */
export function shellScript(shell: string, client: string, shim: string | undefined): string {
  return (scripts[shell] as Script)(client, shim);
}

function bash(client: string, shim: string | undefined): string {
  return `# falcon-sessions: \`falcon\` is ours in every environment; what is not ours goes to the Python falcon that stands first on PATH
export ${initVariable}=bash:$$
__falcon_sessions() {
  if type -P falcon-sessions >/dev/null; then command falcon-sessions "$@"; else ${quoted(client)} "$@"; fi
}
falcon() { __falcon_sessions "$@"; }
${shim === undefined ? "" : bashPath(shim)}__falcon_sessions_complete() {
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

/**
 * PROMPT_COMMAND is a string, or since bash 5.1 perhaps an array; what stood in it sees the status of the
 * last command as before.
 */
function bashPath(shim: string): string {
  return `__falcon_sessions_shim=${quoted(shim)}
__falcon_sessions_path() {
  local status=$? rest=":$PATH:" shim="$__falcon_sessions_shim"
  if [[ "$PATH:" != "$shim":* && -x "$shim/falcon" ]]; then
    while [[ "$rest" == *":$shim:"* ]]; do rest="\${rest/":$shim:"/:}"; done
    rest="\${rest#:}"
    PATH="$shim:\${rest%:}"
  fi
  return $status
}
__falcon_sessions_path
if [[ "\${PROMPT_COMMAND[*]}" != *__falcon_sessions_path* ]]; then
  if [[ "$(declare -p PROMPT_COMMAND 2>/dev/null)" == "declare -a"* ]]; then PROMPT_COMMAND+=(__falcon_sessions_path)
  else PROMPT_COMMAND="__falcon_sessions_path\${PROMPT_COMMAND:+; $PROMPT_COMMAND}"; fi
fi
`;
}

function zsh(client: string, shim: string | undefined): string {
  return `# falcon-sessions: \`falcon\` is ours in every environment; what is not ours goes to the Python falcon that stands first on PATH
export ${initVariable}=zsh:$$
__falcon_sessions() {
  if (( $+commands[falcon-sessions] )); then command falcon-sessions "$@"; else ${quoted(client)} "$@"; fi
}
falcon() { __falcon_sessions "$@" }
${shim === undefined ? "" : zshPath(shim)}__falcon_sessions_complete() {
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

function zshPath(shim: string): string {
  return `typeset -g __falcon_sessions_shim=${quoted(shim)}
__falcon_sessions_path() {
  emulate -L zsh
  [[ $path[1] == "$__falcon_sessions_shim" || ! -x "$__falcon_sessions_shim/falcon" ]] && return
  path=("$__falcon_sessions_shim" "\${(@)path:#$__falcon_sessions_shim}")
}
__falcon_sessions_path
autoload -Uz add-zsh-hook && add-zsh-hook precmd __falcon_sessions_path
`;
}

function fish(client: string, shim: string | undefined): string {
  return `# falcon-sessions: \`falcon\` is ours in every environment; what is not ours goes to the Python falcon that stands first on PATH
set -gx ${initVariable} fish:$fish_pid
function __falcon_sessions
    if command -q falcon-sessions
        command falcon-sessions $argv
    else
        ${fishQuoted(client)} $argv
    end
end
function falcon --description 'training runs that you can leave and come back to'
    __falcon_sessions $argv
end
${shim === undefined ? "" : fishPath(shim)}function __falcon_sessions_complete
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

function fishPath(shim: string): string {
  return `set -g __falcon_sessions_shim ${fishQuoted(shim)}
function __falcon_sessions_path --on-event fish_prompt
    test "$PATH[1]" = "$__falcon_sessions_shim"; and return
    test -x "$__falcon_sessions_shim/falcon"; or return
    set -l rest
    for folder in $PATH
        test "$folder" = "$__falcon_sessions_shim"; or set -a rest $folder
    end
    set -gx PATH $__falcon_sessions_shim $rest
end
__falcon_sessions_path
`;
}

function fishQuoted(word: string): string {
  return `'${word.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
