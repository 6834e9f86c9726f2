// See tokenizer.h.
#include "filter/tokenizer.h"

const char inert[] = "\x1b\\";

void tokenizer_forget(struct tokenizer *t) {
  t->held.length = 0;
  t->character_length = 0;
  t->place = PLACE_TEXT;
  t->fate = FATE_OPEN;
}

void tokenizer_release(struct tokenizer *t, struct bytes *out) {
  bytes_add(out, t->held.at, t->held.length);
  tokenizer_forget(t);
}

void tokenizer_replace(struct tokenizer *t, struct bytes *out) {
  tokenizer_forget(t);
  bytes_text(out, inert);
}

void tokenizer_decide(struct tokenizer *t, enum fate fate, struct bytes *out) {
  if (out) bytes_add(out, t->held.at, t->held.length);
  if (out || fate == FATE_DROPPED) t->held.length = 0;
  t->fate = (uint8_t)fate;
}

enum place opened_by(uint8_t letter) {
  switch (letter) {
    case '[': return PLACE_CONTROL;
    case ']': return PLACE_OSC;
    case 'P': return PLACE_DCS;
    case 'X':
    case '^':
    case '_': return PLACE_STRING;
    default: return PLACE_TEXT;
  }
}

static void open_sequence(struct tokenizer *t, const struct token_handler *handler, uint8_t letter, struct bytes *out) {
  t->place = (uint8_t)opened_by(letter);
  handler->opened(t, letter, out);
}

static void in_escape(struct tokenizer *t, const struct token_handler *handler, uint8_t byte, struct bytes *out) {
  bytes_byte(&t->held, byte);
  // character sets and the like have more characters
  if (byte <= 0x2f && t->held.length < LONGEST_ESCAPE) return;
  if (t->held.length > 2) handler->escape(t, out);
  else if (t->closed && byte == '\\') tokenizer_forget(t);
  else open_sequence(t, handler, byte, out);
}

static void in_control(struct tokenizer *t, const struct token_handler *handler, uint8_t byte, struct bytes *out) {
  if (t->fate != FATE_DROPPED) bytes_byte(&t->held, byte);
  if (t->held.length > LONGEST_CONTROL) tokenizer_decide(t, FATE_DROPPED, NULL);
  if (byte < 0x40) return;
  if (t->fate == FATE_DROPPED) tokenizer_replace(t, out);
  else handler->control(t, out);
}

// Something ends the sequence at hand, if there is one. An unfinished escape or control sequence does nothing
// in any terminal, and is forgotten.
static bool end(struct tokenizer *t, const struct token_handler *handler, const void *terminator, size_t length,
                struct bytes *out) {
  if (t->place >= PLACE_OSC) return handler->end(t, terminator, length, out);
  tokenizer_forget(t);
  return false;
}

// A C1 control, written as C2 and itself: the same as ESC and the letter 0x40 below it.
static void c1_control(struct tokenizer *t, const struct token_handler *handler, uint8_t code, struct bytes *out) {
  uint8_t both[] = {0xc2, code};
  bool string = end(t, handler, code == 0x9c ? (const void *)both : inert, 2, out);
  t->closed = false;
  if (code == 0x9c) {
    if (!string) bytes_add(out, both, 2);
    return;
  }
  bytes_add(&t->held, both, 2);
  open_sequence(t, handler, code - 0x40, out);
}

static void in_byte(struct tokenizer *t, const struct token_handler *handler, uint8_t byte, struct bytes *out) {
  if (byte == 0x1b) {
    t->closed = end(t, handler, inert, 2, out);
    t->place = PLACE_ESCAPE;
    bytes_byte(&t->held, byte);
    return;
  }
  if (byte == 0x18 || byte == 0x1a) {
    // CAN and SUB break off whatever is under way; what was held back goes with it
    tokenizer_forget(t);
    bytes_byte(out, byte);
    return;
  }
  if (t->place == PLACE_TEXT) return handler->text(t, byte, out);
  if (t->place >= PLACE_OSC) {
    if (byte == 0x07 && t->place == PLACE_OSC) handler->end(t, &byte, 1, out);
    else handler->string(t, byte, out);
    return;
  }
  // controls act at once, wherever they stand; DEL is nothing within a sequence
  if (byte < 0x20) return handler->text(t, byte, out);
  if (byte == 0x7f) return;
  if (byte >= 0x80) return handler->foreign(t, byte, out);
  t->character_length = 0;
  if (t->place == PLACE_ESCAPE) in_escape(t, handler, byte, out);
  else in_control(t, handler, byte, out);
}

void tokenizer_byte(struct tokenizer *t, const struct token_handler *handler, uint8_t byte, struct bytes *out) {
  if (t->c2) {
    t->c2 = false;
    if (byte >= 0x80 && byte <= 0x9f) return c1_control(t, handler, byte, out);
    // a C2 that begins no character is dropped, as the session's screen does: what is taken out behind it
    // must not join it to a C1 control
    if (byte >= 0xa0 && byte <= 0xbf) in_byte(t, handler, 0xc2, out);
  }
  t->c2 = byte == 0xc2;
  if (!t->c2) in_byte(t, handler, byte, out);
}
