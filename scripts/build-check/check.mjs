// What a machine must have to build falcon-sessions: one sentence for whatever is missing, before anything is
// compiled.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const oldestNode = 20; // docs/design/decisions/0003-build-at-install.md
const oldestPython = [3, 9]; // what the gyp of npm 11 asks for; node-gyp itself would take an older one and fail later

const howToInstall =
  process.platform === "darwin"
    ? "run `xcode-select --install`"
    : "Debian and Ubuntu: `apt-get install build-essential python3`; Fedora and RHEL: `dnf install gcc-c++ make python3`; a cluster: `module load gcc`";

/**
 * What is missing, as one sentence, or undefined when the build can start. The compilers are tried on two
 * lines of source, not only looked for, since macOS has a `cc` without a compiler behind it and GCC 8 does
 * not know C++20.
 */
export function missing() {
  const { env, versions } = process;
  if (Number.parseInt(versions.node, 10) < oldestNode) {
    return `falcon-sessions needs Node ${oldestNode} or later and this is Node ${versions.node}: install a newer one and run the same command again.`;
  }
  const absent = [];
  const c = env.CC || "cc";
  if (!works(c, ["-x", "c", "-fsyntax-only", "-"], "#include <stdlib.h>\nint main(void) { return 0; }\n")) {
    absent.push(`a C compiler (\`${c}\`)`);
  }
  const cxx = env.CXX || (process.platform === "darwin" ? "c++" : "g++");
  const compilesCxx = works(cxx, ["-x", "c++", "-fsyntax-only", "-"], "#include <string>\nint main() { return 0; }\n");
  if (!compilesCxx) absent.push(`a C++ compiler (\`${cxx}\`)`);
  const make = env.MAKE || "make";
  if (!works(make, ["--version"])) absent.push(`\`${make}\``);
  if (!findPython()) absent.push(`Python ${oldestPython.join(".")} or later (\`python3\`)`);
  if (absent.length > 0) {
    return `falcon-sessions is compiled while it is installed, and this machine lacks ${list(absent)}: install what is missing (${howToInstall}) and run the same command again.`;
  }
  if (!works(cxx, ["-std=c++20", "-x", "c++", "-fsyntax-only", "-"], "#include <string>\nint main() { return 0; }\n")) {
    return `The C++ compiler \`${cxx}\` is too old to know C++20, which better-sqlite3 needs: install GCC 10, Clang 10 or later (a cluster: \`module load gcc\`), name it in CXX where it is not the first on PATH, and run the same command again.`;
  }
  return undefined;
}

/** The Python that node-gyp will take, or undefined. */
function findPython() {
  const { env } = process;
  const fits = ["-c", `import sys; sys.exit(sys.version_info < (${oldestPython.join(", ")}))`];
  const named = env.NODE_GYP_FORCE_PYTHON
    ? [env.NODE_GYP_FORCE_PYTHON]
    : [env.npm_config_python, env.PYTHON, "python3", "python"];
  return named.find((command) => command && works(command, fits));
}

/** Whether `command` (which may hold arguments, as CC="ccache gcc" does) runs and succeeds. */
function works(command, args, input = "") {
  const [file, ...first] = fs.existsSync(command) ? [command] : command.trim().split(/\s+/);
  const run = spawnSync(file, [...first, ...args], { input, stdio: ["pipe", "ignore", "ignore"] });
  return run.status === 0;
}

function list(items) {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fs.realpathSync(path.resolve(fileURLToPath(import.meta.url)))) {
  const sentence = missing();
  if (sentence) {
    console.error(sentence);
    process.exit(1);
  }
}
