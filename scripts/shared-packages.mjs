// Packages that several bundles need, each bundled once in a file of its own beside them: the emulator alone
// is 0.2 MB of what users install, and the code that Node keeps compiled is kept once.

/** The file of each in dist, by the name that sources import. */
export const sharedPackages = {
  "@xterm/headless": "xterm-headless.cjs",
  "@xterm/addon-unicode11": "xterm-unicode11.cjs",
  yaml: "yaml.cjs",
};

/**
 * esbuild's plugin: a bundle loads these packages from the files beside it, at its start: later the folder
 * may be another version's, or gone.
 */
export const besideBundles = {
  name: "shared",
  setup(build) {
    const filter = new RegExp(`^(${Object.keys(sharedPackages).join("|")})$`);
    build.onResolve({ filter }, ({ path: name }) => ({ path: `./${sharedPackages[name]}`, external: true }));
  },
};
