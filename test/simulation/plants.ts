// Defects that are planted to see that the simulation finds them, and those that it has found: each puts back
// what was wrong in a line of C. docs/design/reliability.md names the seeds.

export interface Plant {
  readonly name: string;
  /** File of native/. */
  readonly file: string;
  readonly right: string;
  readonly wrong: string;
}

export const plants: readonly Plant[] = [
  {
    name: "number-not-checked",
    file: "holder/holder_typing.c",
    right: "uint64_t had = known->taken > number ? known->taken - number : 0;",
    wrong: "uint64_t had = 0;",
  },
  {
    name: "offset-off-by-one",
    file: "holder/holder_cursor.c",
    right: "c->position = offset < first ? first : offset > log_end() ? log_end() : offset;",
    wrong: "c->position = offset < first ? first : offset + 1 > log_end() ? log_end() : offset + 1;",
  },
  {
    name: "hole-not-told",
    file: "holder/holder_log.c",
    right: "add_gap(missing_from, length - done);",
    wrong: "",
  },
  {
    name: "title-cut-off",
    file: "client/client_direct.c",
    right: "if (count > 0 && (size_t)count < length) direct_cut_off();\n  else if (count > 0) client.titled = on;",
    wrong: "client.titled = on;",
  },
  {
    name: "frame-cut-off",
    file: "client/client_connection.c",
    right: "if (client.out_left > 0 && client.out_stream == 1 && os_isatty(1)) direct_cut_off();",
    wrong: "",
  },
  {
    name: "hole-told-late",
    file: "holder/holder_log.c",
    right:
      "    add_gap(missing_from, length - done);\n    // lengthening takes no blocks: the file's size stays the stream's length\n    if (os_ftruncate(log_fd, (off_t)end_offset) < 0) errno = 0;\n",
    wrong: "    if (os_ftruncate(log_fd, (off_t)end_offset) < 0) errno = 0;\n    add_gap(missing_from, length - done);\n",
  },
];
