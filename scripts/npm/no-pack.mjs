// `npm pack` in the repository would make a package without a command: npm links only files that exist
// (docs/design/decisions/0001-native-client-as-bin.md).
console.error("The package for users is made by `npm run build:npm`, as build/falcon-sessions-<version>.tgz.");
process.exit(1);
