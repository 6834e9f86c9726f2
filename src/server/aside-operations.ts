// The operations that a start does not wait for: whoever makes them is imported for them.
import "../base/aside/usable-directory.ts";
import "../batch/leaving.ts";
import "../commands/compare/run-directories.ts";
import "../doctor/falcons.ts";
import "../doctor/places.ts";
import "../doctor/python.ts";
import "../doctor/terminal.ts";
import "../notify/secret.ts";
import "../session/life/real-paths.ts";
import "../session/machines/roster-files.ts";
import "../session/machines/shared-notices.ts";
import "../store/archive/shared-archive.ts";
import "../trainers/reading/foreign-files.ts";
import "../trainers/registry.ts";
import "../trainers/run/surroundings.ts";

export { removeUnfinished } from "../commands/output/export-writer.ts";
