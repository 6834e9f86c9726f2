// The first stage of a viewer's filter: takes questions out of an output stream, so that only the session's
// own screen answers them, once, and not each viewer's terminal. An unfinished sequence that may be a
// question is held back.
#include "filter/stream_filter.h"

#include <stdio.h>

#include "system/utf8.h"

enum {
  // Digits of an OSC's number; one that is longer is dropped, since a terminal may count it down to another.
  LONGEST_NUMBER = 8,
  // An OSC that may be a question is held back until it is whole; a longer one is dropped.
  LONGEST_QUESTION = 16384,
  // The clipboard's and iTerm2's are told by so many bytes.
  FIRST_WORDS = 64,
  // iTerm2's questions are shorter (UTF-16 units, as kept from the first implementation).
  LONGEST_ITERM_QUESTION = 24,
};

static struct question_filter *filter_of(struct tokenizer *t) { return (struct question_filter *)t; }

// ---- characters

// Whether a control sequence has gone wrong already: its final byte alone ends it then.
static bool is_ignored(const struct tokenizer *t) {
  if (t->place != PLACE_CONTROL) return false;
  if (t->fate == FATE_DROPPED) return true;
  const uint8_t *body = t->held.at + 2;
  size_t length = t->held.length - 2, i = 0;
  if (length > 0 && body[0] >= '<' && body[0] <= '?') i++;
  while (i < length && body[i] >= 0x30 && body[i] <= 0x3b) i++;
  while (i < length && body[i] >= 0x20 && body[i] <= 0x2f) i++;
  return i < length;
}

// A byte that is no ASCII, within an escape or a control sequence. The session's screen drops one that is
// part of no character and goes on with the sequence; a whole character breaks the sequence off there, and is
// not shown. Other terminals do neither: the viewer's gets what is left.
static void question_foreign(struct tokenizer *t, uint8_t byte, struct bytes *out) {
  (void)out;
  if ((byte & 0xc0) != 0x80) t->character_length = 0;
  else if (t->character_length == 0) return;
  t->character[t->character_length++] = byte;
  if (t->character_length < utf8_size(t->character[0])) return;
  uint32_t point;
  // the screen's decoder drops byte order marks
  bool whole = utf8_character(t->character, t->character_length, &point) > 0 && point != 0xfeff;
  t->character_length = 0;
  if (whole && !is_ignored(t)) tokenizer_forget(t);
}

// ---- operating system commands

// The OSC without what a terminal may drop: bytes that are no UTF-8, zeros before the number. Counts its
// UTF-16 units.
static size_t read_text(struct question_filter *f) {
  const uint8_t *bytes = f->tokens.held.at + 2;
  size_t length = f->tokens.held.length - 2, units = 0, zeros = 0;
  f->text.length = 0;
  for (size_t i = 0; i < length;) {
    uint32_t point;
    size_t size = utf8_character(bytes + i, length - i, &point);
    // U+FFFD is what bytes that are none are read as
    if (size > 0 && point != 0xfffd) {
      bytes_add(&f->text, bytes + i, size);
      units += size == 4 ? 2 : 1;
    }
    i += size > 0 ? size : 1;
  }
  const uint8_t *text = f->text.at;
  while (zeros + 1 < f->text.length && text[zeros] == '0' && text[zeros + 1] >= '0' && text[zeros + 1] <= '9') zeros++;
  if (zeros > 0) bytes_shift(&f->text, zeros);
  return units - zeros;
}

static size_t length_to(const uint8_t *text, size_t length, uint8_t separator) {
  const uint8_t *end = length ? memchr(text, separator, length) : NULL;
  return end ? (size_t)(end - text) : length;
}

static bool text_begins(const struct question_filter *f, const char *with) {
  size_t length = strlen(with);
  return f->text.length >= length && memcmp(f->text.at, with, length) == 0;
}

static bool held_asks(struct question_filter *f) {
  read_text(f);
  return osc_asks(f->text.at, f->text.length);
}

enum verdict { HARMLESS, NOT_YET, REFUSED };

// Whether it is known already that this OSC asks nothing.
static enum verdict judge_osc(struct question_filter *f, uint8_t byte) {
  if (!f->numbered) {
    if (byte >= '0' && byte <= '9') return f->tokens.held.length > LONGEST_NUMBER + 2 ? REFUSED : NOT_YET;
    if (byte >= 0x7f) return REFUSED;
    f->numbered = true;
    read_text(f);
    if (!osc_may_ask(f->text.at, length_to(f->text.at, f->text.length, ';'))) return HARMLESS;
    return byte == ';' ? NOT_YET : REFUSED;
  }
  if (f->tokens.held.length >= FIRST_WORDS) return NOT_YET;
  size_t units = read_text(f);
  if (text_begins(f, "52;")) {
    // behind the second word's beginning
    size_t second = 3 + length_to(f->text.at + 3, f->text.length - 3, ';') + 1;
    if (second < f->text.length && f->text.at[second] != '?') return HARMLESS;
  }
  return text_begins(f, "1337;") && units >= 5 + LONGEST_ITERM_QUESTION && !osc_asks(f->text.at, f->text.length)
             ? HARMLESS
             : NOT_YET;
}

static void in_osc(struct question_filter *f, uint8_t byte, struct bytes *out) {
  bytes_byte(&f->tokens.held, byte);
  enum verdict verdict = judge_osc(f, byte);
  if (verdict == HARMLESS) return tokenizer_decide(&f->tokens, FATE_PASSED, out);
  // a longer question asks for too much
  if (verdict == REFUSED || f->tokens.held.length > LONGEST_QUESTION) tokenizer_decide(&f->tokens, FATE_DROPPED, NULL);
}

// Adds a word to a list.
static void add_word(struct bytes *list, bool *first, const uint8_t *word, size_t length) {
  if (!*first) bytes_byte(list, ';');
  *first = false;
  bytes_add(list, word, length);
}

// An OSC that sets some colours and asks for others is passed with the setting only; true where that was
// done.
static bool passes_settings_only(struct question_filter *f, struct bytes *out) {
  uint8_t *text = f->text.at;
  size_t length = f->text.length, digits = length_to(text, length, ';');
  if (digits == length || digits > 2 || !memchr(text, '?', length)) return false;
  int number = 0;
  for (size_t i = 0; i < digits; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    number = number * 10 + (text[i] - '0');
  }
  if (number != 4 && number != 5 && number != 21 && (number < 10 || number > 19)) return false;
  char head[32];
  snprintf(head, sizeof head, "\x1b]%d;", number);
  struct bytes kept = {0};
  bool first = true, cut = false;
  if (number == 21 || number < 10) bytes_text(&kept, head);
  size_t index = 0;
  for (size_t at = digits + 1; at <= length; index++) {
    size_t word = length_to(text + at, length - at, ';');
    const uint8_t *bytes = text + at;
    at += word + 1;
    if (number == 21) {
      bool asks = word >= 2 && memcmp(bytes + word - 2, "=?", 2) == 0;
      cut = cut || asks;
      if (!asks) add_word(&kept, &first, bytes, word);
    } else if (number < 10) {
      // a pair of number and colour; one without its colour is none
      size_t second = at <= length ? length_to(text + at, length - at, ';') : 0;
      bool pair = at <= length, asks = pair && second == 1 && text[at] == '?';
      cut = cut || asks || !pair;
      if (pair && !asks) add_word(&kept, &first, bytes, word + 1 + second);
      at += second + 1;
    } else {
      // each colour by its own number; there are none behind 19, where other things have theirs
      bool asks = word == 1 && bytes[0] == '?';
      cut = cut || asks;
      if (asks || word == 0 || number + (int)index > 19) continue;
      snprintf(head, sizeof head, "%s\x1b]%d;", first ? "" : inert, number + (int)index);
      bytes_text(&kept, head);
      bytes_add(&kept, bytes, word);
      first = false;
    }
  }
  if (cut) {
    tokenizer_forget(&f->tokens);
    bytes_add(out, kept.at, kept.length);
  }
  out->failed = out->failed || kept.failed;
  bytes_free(&kept);
  return cut;
}

// ---- other strings

static void in_dcs(struct question_filter *f, uint8_t byte, struct bytes *out) {
  if (byte < 0x20 || byte == 0x7f) return;
  bytes_byte(&f->tokens.held, byte);
  if (byte < 0x40 && f->tokens.held.length <= LONGEST_CONTROL) return;
  const uint8_t *head = f->tokens.held.at + 2;
  size_t length = f->tokens.held.length - 2;
  bool asks = length >= 2 && head[length - 1] == 'q' &&
              (head[length - 2] == '$' || head[length - 2] == '+');  // DECRQSS, XTGETTCAP
  // heads that are none: a terminal may drop the byte that is wrong
  if (byte >= 0x80 || byte < 0x40 || asks) tokenizer_decide(&f->tokens, FATE_DROPPED, NULL);
  else tokenizer_decide(&f->tokens, FATE_PASSED, out);
}

// Kitty's graphics answer nearly everything, and the screen has no images.
static void in_apc(struct question_filter *f, uint8_t byte, struct bytes *out) {
  if (byte < 0x20 || byte >= 0x7f) return;
  if (byte == 'G') return tokenizer_decide(&f->tokens, FATE_DROPPED, NULL);
  bytes_byte(&f->tokens.held, byte);
  tokenizer_decide(&f->tokens, FATE_PASSED, out);
}

static void question_string(struct tokenizer *t, uint8_t byte, struct bytes *out) {
  struct question_filter *f = filter_of(t);
  if (t->fate == FATE_PASSED) bytes_byte(out, byte);
  if (t->fate != FATE_OPEN) return;
  if (t->place == PLACE_DCS) in_dcs(f, byte, out);
  else if (t->place == PLACE_STRING) in_apc(f, byte, out);
  else if (byte >= 0x20) in_osc(f, byte, out);
}

static bool question_end(struct tokenizer *t, const void *terminator, size_t length, struct bytes *out) {
  struct question_filter *f = filter_of(t);
  bool osc = t->place == PLACE_OSC && t->fate == FATE_OPEN;
  if (t->fate == FATE_DROPPED || (osc && held_asks(f))) {
    tokenizer_replace(t, out);
    return true;
  }
  if (!osc || !passes_settings_only(f, out)) tokenizer_release(t, out);
  bytes_add(out, terminator, length);
  return true;
}

// ---- control sequences

static void question_control(struct tokenizer *t, struct bytes *out) {
  struct control c = control_of(t->held.at + 2, t->held.length - 2);
  if (c.whole && control_asks(&c)) tokenizer_replace(t, out);
  else tokenizer_release(t, out);
}

static void question_opened(struct tokenizer *t, uint8_t letter, struct bytes *out) {
  filter_of(t)->numbered = false;
  // SOS and PM ask nothing; APC may
  if (letter == 'X' || letter == '^') tokenizer_decide(t, FATE_PASSED, out);
  else if (escape_effect(letter) == ESCAPE_ASKS) tokenizer_replace(t, out);
  else if (t->place == PLACE_TEXT) tokenizer_release(t, out);
}

static void question_text(struct tokenizer *t, uint8_t byte, struct bytes *out) {
  (void)t;
  // ENQ makes some terminals send their answerback
  if (byte != 0x05) bytes_byte(out, byte);
}

void question_byte(struct question_filter *f, uint8_t byte, struct bytes *out) {
  static const struct token_handler handler = {
      .text = question_text,
      .foreign = question_foreign,
      .opened = question_opened,
      .escape = tokenizer_release,
      .control = question_control,
      .string = question_string,
      .end = question_end,
  };
  tokenizer_byte(&f->tokens, &handler, byte, out);
}
