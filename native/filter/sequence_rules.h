// The table of sequences (modes: mode_rules.h): what a program's sequences may do to a viewer's terminal:
// what each asks of the terminal, and by which rule of the user it passes. Sources: ctlseqs of xterm; the
// pages of kitty, iTerm2, ConEmu, VTE, Windows Terminal. What no line names draws, or, of strings, is
// blocked.
#ifndef FALCON_SEQUENCE_RULES_H
#define FALCON_SEQUENCE_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Version of this table. A client's filter is trusted with the output itself where it has the server's: an
// older one knows fewer rules.
enum { SEQUENCE_RULES_VERSION = 3 };

// What a sequence does, in the order of `sequenceKinds` in src/platform/stream-filter.ts.
enum sequence_kind {
  KIND_CLIPBOARD,
  KIND_TITLE,
  KIND_NOTIFICATION,
  KIND_COLOURS,
  KIND_LINKS,
  KIND_IMAGES,
  KIND_KEYS,
  KIND_WINDOW,
  SEQUENCE_KINDS,
  KIND_DRAWS = SEQUENCE_KINDS,  // passes always
  KIND_BLOCKED,                 // never passes
  KIND_OPEN,                    // cannot be told yet
};

enum passage { PASSAGE_BLOCK, PASSAGE_PASS, PASSAGE_ASK };

// What the user allows.
struct sequence_rules {
  uint8_t passage[SEQUENCE_KINDS];
};

// The parts of a control sequence without its introducer. `whole` where they stand in the order that the
// standard (ECMA-48) gives them.
struct control {
  bool whole;
  uint8_t prefix;  // 0: none
  const uint8_t *body;
  size_t length;
  size_t parameters, intermediates;  // where these begin in the body
  uint8_t final;
};
struct control control_of(const uint8_t *body, size_t length);

// Whether a whole control sequence makes a terminal send something.
bool control_asks(const struct control *control);
enum sequence_kind control_kind(const struct control *control);

// Whether a control sequence with this final byte only draws, by the same table, whatever its numbers, where
// it has neither prefix nor intermediates.
bool final_draws(uint8_t final);

// What ESC and one letter do, where they are all of a sequence.
enum escape_effect {
  ESCAPE_DRAWS,
  ESCAPE_ASKS,     // DECID, which asks what DA1 asks
  ESCAPE_BLOCKED,  // a title for screen and tmux, and no string at all for the session's own terminal
  ESCAPE_RESETS,   // RIS
};
enum escape_effect escape_effect(uint8_t letter);

// DECSTR; RIS is the other reset (ESCAPE_RESETS).
bool control_resets_modes(const struct control *control);
// An escape of several characters (without ESC) that locks a person out.
bool escape_is_blocked(const uint8_t *text, size_t length);
// A parameter as a number; NaN where it is none. The empty one is 0.
double parameter_number(const uint8_t *text, size_t length);

// Whether an OSC of this number (its digits) may ask something.
bool osc_may_ask(const uint8_t *digits, size_t length);
// Whether an OSC (number and words) asks something and does nothing else.
bool osc_asks(const uint8_t *text, size_t length);
// What an OSC does by its first characters. `ended`: there are no more.
enum sequence_kind osc_kind(const uint8_t *text, size_t length, bool ended);
// What a DCS does, by its head (parameters, intermediates and final byte).
enum sequence_kind dcs_kind(const uint8_t *head, size_t length);

#endif
