// The table of terminal modes (other sequences: sequence_rules.h): whether a program's setting reaches a
// viewer's terminal, and what leaving does about it. The filter, the bytes that give a terminal back
// (src/session/viewers/viewer-terminal.ts) and the table of docs/design/security.md are made from it. A mode
// that no line names is never passed: nobody could say how to give it back.
#ifndef FALCON_MODE_RULES_H
#define FALCON_MODE_RULES_H

#include "filter/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mode_passage {
  MODE_NEVER,   // neither set nor reset: it locks a person out, cheats them, or is the session's own business
  MODE_PASSES,
  MODE_NEEDED,  // set at the start and behind each reset; a program may set it, and not reset it
};

// What leaving writes.
enum mode_leaving { LEAVE_NOTHING, LEAVE_RESET, LEAVE_SET };

struct mode_rule {
  uint32_t mode;
  bool dec;   // with `?` in front
  uint8_t passage;
  uint8_t leaving;
  // Its usual state is another one in each terminal: saved (XTSAVE) at the start, put back (XTRESTORE) behind
  // what leaving writes.
  bool kept;
  const char *name;
  const char *terminals;
};

extern const struct mode_rule mode_rules[];
extern const size_t mode_rule_count;

// Sets the modes that we need in a viewer's terminal, whatever the program does (MODE_NEEDED): bracketed
// paste, without which a paste could not be told from keys, and a `d` in it would detach. At the start
// (src/session/viewers/viewer-terminal.ts), and again behind each reset.
void set_modes_we_need(struct bytes *out);

// Whether a mode may be set (final byte `h`) or reset (`l`). A number that is none is no mode.
bool mode_may(bool dec, double mode, uint8_t final);

#endif
