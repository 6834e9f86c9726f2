// The better-sqlite3 that this Node takes: version 12 of the folder beside this file where the build installed it, else version 13 of ours.
module.exports = require("better-sqlite3");
