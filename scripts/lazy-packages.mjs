// Packages that a bundle runs when something of theirs is called first, and not at its start: string-width
// compiles the pattern of all emoji, which takes 22 ms of the processor, a seventh of a server's start, the
// table of widths 5 ms, and YAML is read for no command but a launch.

/**
 * Each with the functions and classes that our sources import by name; `whole`: also as fields of the default
 * export.
 */
const packages = {
  "string-width": { functions: ["default"] },
  "@xterm/addon-unicode11": { functions: ["Unicode11Addon"], whole: true },
  yaml: { functions: ["parseDocument"] },
};

/** The namespace in which esbuild names the stand-ins: they are no files. */
export const lazyNamespace = "lazy";

/**
 * esbuild's plugin: an import of one of the packages gets a stand-in, whose functions and classes load the
 * real one when they are called.
 */
export const lazyPackages = {
  name: lazyNamespace,
  setup(build) {
    const filter = new RegExp(`^(${Object.keys(packages).join("|")})$`);
    build.onResolve({ filter }, ({ path: name, namespace }) =>
      namespace === lazyNamespace ? undefined : { path: name, namespace: lazyNamespace },
    );
    build.onLoad({ filter: /./, namespace: lazyNamespace }, ({ path: name }) => ({
      contents: standIn(name, packages[name]),
      loader: "js",
      resolveDir: build.initialOptions.absWorkingDir,
    }));
  },
};

function standIn(name, { functions, whole = false }) {
  const real = `require(${JSON.stringify(name)})`;
  const own = functions.map((key) => {
    const call = `const f = ${real}.${key}; return new.target ? new f(...args) : f(...args);`;
    return key === "default" ? `export default function (...args) { ${call} }` : `export function ${key}(...args) { ${call} }`;
  });
  return [...own, ...(whole ? [`export default { ${functions.join(", ")} };`] : [])].join("\n");
}
