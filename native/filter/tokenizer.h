// The grammar of control sequences in C, once, as src/base/text/control-sequences.ts has it in TypeScript:
// where a sequence or a string begins and ends (ECMA-48; DEC's VT500 in UTF-8). Both stages of a viewer's
// filter read a stream through it, and say what becomes of what they meet.
#ifndef FALCON_TOKENIZER_H
#define FALCON_TOKENIZER_H

#include "filter/bytes.h"

enum {
  // A control sequence (or the head of a DCS) that is longer is dropped: nobody needs it, and it may hide
  // another one behind leading zeros.
  LONGEST_CONTROL = 512,
  // An escape that is longer is none: those that are known have three characters.
  LONGEST_ESCAPE = 16,
};

// Where the next byte of a stream stands. PLACE_STRING: SOS, PM and APC.
enum place { PLACE_TEXT, PLACE_ESCAPE, PLACE_CONTROL, PLACE_OSC, PLACE_DCS, PLACE_STRING };

// What becomes of the sequence at hand. Open: it is held until that is known.
enum fate { FATE_OPEN, FATE_DROPPED, FATE_PASSED, FATE_KEPT, FATE_ASKED };

// A reader of a stream: where it stands, and what it holds back.
struct tokenizer {
  uint8_t place, fate;
  bool c2;      // the last byte was C2, and may begin a C1 control
  bool closed;  // the string before ESC has its end already: a backslash that follows is none any more
  uint8_t character[4], character_length;  // a character within an escape or a control sequence
  struct bytes held;                       // the sequence at hand, from its introducer
};

// What a stage does with what it meets. Each gets the tokenizer that its own state begins with.
struct token_handler {
  // A byte of text, or a control that acts at once, wherever it stands.
  void (*text)(struct tokenizer *t, uint8_t byte, struct bytes *out);
  // A byte that is no ASCII, within an escape or a control sequence.
  void (*foreign)(struct tokenizer *t, uint8_t byte, struct bytes *out);
  // ESC and `letter`, or the C1 control that is the same, are held: they begin something, or are all.
  void (*opened)(struct tokenizer *t, uint8_t letter, struct bytes *out);
  // A whole escape of several characters, a whole control sequence is held.
  void (*escape)(struct tokenizer *t, struct bytes *out);
  void (*control)(struct tokenizer *t, struct bytes *out);
  // A byte of a string.
  void (*string)(struct tokenizer *t, uint8_t byte, struct bytes *out);
  // A string ends, by its own terminator or by what begins next; whether it was one.
  bool (*end)(struct tokenizer *t, const void *terminator, size_t length, struct bytes *out);
};

// What ESC and this letter begin; PLACE_TEXT where they are all of a sequence.
enum place opened_by(uint8_t letter);

// Where the control sequence ends that begins at `at` (with ESC), has neither prefix nor intermediates, and
// is whole within `most` bytes; 0 where none does. For who looks for the plain part of a flood before it
// reads on byte by byte: inline, since that is all that a flood costs there.
static inline size_t end_of_bare_control(const uint8_t *bytes, size_t length, size_t at, size_t most) {
  if (length - at < 3 || bytes[at + 1] != '[') return 0;
  size_t limit = length - at > most ? at + most : length, i = at + 2;
  // digits, colon, semicolon
  while (i < limit && bytes[i] >= 0x30 && bytes[i] <= 0x3b) i++;
  return i < limit && bytes[i] >= 0x40 && bytes[i] <= 0x7e ? i + 1 : 0;
}

void tokenizer_byte(struct tokenizer *t, const struct token_handler *handler, uint8_t byte, struct bytes *out);

// Stands in for what is taken out: changes nothing, but ends what a printed character would join, as the
// sequence would have.
extern const char inert[];
// What is held goes nowhere, and the next byte is text.
void tokenizer_forget(struct tokenizer *t);
// The same, but it is written; or the inert escape in its place.
void tokenizer_release(struct tokenizer *t, struct bytes *out);
void tokenizer_replace(struct tokenizer *t, struct bytes *out);
// Of the sequence at hand the rest has this fate; `out`: what is held is written first.
void tokenizer_decide(struct tokenizer *t, enum fate fate, struct bytes *out);

#endif
