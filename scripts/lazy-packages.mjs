// Packages that a bundle runs when something of theirs is called first, and not at its start: string-width
// compiles the pattern of all emoji, which takes 22 ms of the processor, a seventh of a server's start,
// fflate's tables take 6 ms, the table of widths 5, and YAML is read for no command but a launch.

/**
 * Each with the functions and classes that our sources import by name; `whole`: also as fields of the default
 * export.
 */
const packages = {
  "string-width": { functions: ["default"] },
  "@xterm/addon-unicode11": { functions: ["Unicode11Addon"], whole: true },
  fflate: { functions: ["unzipSync", "zipSync"] },
  yaml: { functions: ["parseDocument"] },
};

/** The namespace in which esbuild names the stand-ins: they are no files. */
export const lazyNamespace = "lazy";

/**
 * esbuild's plugin: an import of one of the packages gets a stand-in, whose functions and classes load the
 * real one when they are called. Each by a module that takes nothing else of the package, so that what is not
 * used is left out.
 */
export const lazyPackages = {
  name: lazyNamespace,
  setup(build) {
    const filter = new RegExp(`^(${Object.keys(packages).join("|")})$`);
    const resolveDir = build.initialOptions.absWorkingDir;
    build.onResolve({ filter }, ({ path: name, namespace }) =>
      namespace === lazyNamespace ? undefined : { path: name, namespace: lazyNamespace },
    );
    build.onResolve({ filter: /^lazy-part:/ }, ({ path: part }) => ({ path: part, namespace: lazyNamespace }));
    build.onLoad({ filter: /./, namespace: lazyNamespace }, ({ path: name }) => {
      const [, key, whole] = /^lazy-part:(\w+):(.*)$/.exec(name) ?? [];
      const contents =
        key === undefined ? standIn(name, packages[name]) : `export { ${key} as part } from ${JSON.stringify(whole)};`;
      return { contents, loader: "js", resolveDir };
    });
  },
};

function standIn(name, { functions, whole = false }) {
  const own = functions.map((key) => {
    const call = `const f = require("lazy-part:${key}:${name}").part; return new.target ? new f(...args) : f(...args);`;
    return key === "default" ? `export default function (...args) { ${call} }` : `export function ${key}(...args) { ${call} }`;
  });
  return [...own, ...(whole ? [`export default { ${functions.join(", ")} };`] : [])].join("\n");
}
