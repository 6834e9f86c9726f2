// The second stage of a viewer's filter: passes or drops what a program does to its viewers' terminals beyond
// drawing, or asks about it, by the user's rules (docs/design/security.md). Strings are kept until they are
// whole; images are passed as they come.
#include "filter/mode_rules.h"
#include "filter/stream_filter.h"

// Bytes of an OSC or DCS by which it is known what it is; one that still is not is blocked.
enum { LONGEST_HEAD = 64 };

static struct policy_filter *filter_of(struct tokenizer *t) { return (struct policy_filter *)t; }

// A byte that ends no sequence and begins none: some terminals break off there, others drop the byte and go
// on with the sequence. So what was begun is kept from both, and what follows is text to both.
static void policy_foreign(struct tokenizer *t, uint8_t byte, struct bytes *out) {
  if (t->fate == FATE_DROPPED) return;
  tokenizer_forget(t);
  bytes_byte(out, byte);
}

static enum passage passage_of(const struct policy_filter *f, enum sequence_kind kind) {
  if (kind == KIND_DRAWS) return PASSAGE_PASS;
  enum passage passage = kind < SEQUENCE_KINDS ? (enum passage)f->rules.passage[kind] : PASSAGE_BLOCK;
  return passage == PASSAGE_ASK && !f->may_ask ? PASSAGE_BLOCK : passage;
}

// ---- control sequences

// What is left of a list of modes; false where all of it is, or where this is none.
static bool cut_modes(struct policy_filter *f, const struct control *c, struct bytes *out) {
  bool dec = c->prefix == '?', cut = false, any = false;
  struct bytes left = {0};
  if ((!dec && c->prefix != 0) || !c->whole || c->intermediates != c->length - 1) return false;
  for (size_t at = c->parameters; at <= c->intermediates;) {
    const uint8_t *word = c->body + at;
    const uint8_t *end = at < c->intermediates ? memchr(word, ';', c->intermediates - at) : NULL;
    size_t length = end ? (size_t)(end - word) : c->intermediates - at;
    at += length + 1;
    if (!mode_may(dec, parameter_number(word, length), c->final)) {
      cut = true;
      continue;
    }
    bytes_text(&left, any ? ";" : dec ? "\x1b[?" : "\x1b[");
    bytes_add(&left, word, length);
    any = true;
  }
  if (cut) {
    tokenizer_replace(&f->tokens, out);
    if (any) bytes_byte(&left, c->final);
    bytes_add(out, left.at, left.length);
  }
  out->failed = out->failed || left.failed;
  bytes_free(&left);
  return cut;
}

static void policy_control(struct tokenizer *t, struct bytes *out) {
  struct policy_filter *f = filter_of(t);
  struct control c = control_of(t->held.at + 2, t->held.length - 2);
  if ((c.final == 'h' || c.final == 'l') && cut_modes(f, &c, out)) return;
  bool resets = control_resets_modes(&c);
  if (passage_of(f, control_kind(&c)) == PASSAGE_PASS) tokenizer_release(t, out);
  else tokenizer_replace(t, out);
  if (resets) set_modes_we_need(out);
}

// ---- strings

// What becomes of the string of which so much is held.
static void decide_string(struct policy_filter *f, enum sequence_kind kind, struct bytes *out) {
  f->length = f->tokens.held.length;
  f->room = kind == KIND_IMAGES ? LONGEST_IMAGE : LONGEST_STRING;
  enum passage passage = passage_of(f, kind);
  if (passage == PASSAGE_PASS && kind == KIND_IMAGES) tokenizer_decide(&f->tokens, FATE_PASSED, out);
  else if (passage == PASSAGE_PASS) tokenizer_decide(&f->tokens, FATE_KEPT, NULL);
  else if (passage == PASSAGE_ASK) tokenizer_decide(&f->tokens, FATE_ASKED, NULL);
  else tokenizer_decide(&f->tokens, FATE_DROPPED, NULL);
}

// What a string is that is held so far; KIND_OPEN where that cannot be told yet.
static enum sequence_kind kind_so_far(const struct tokenizer *t, uint8_t byte) {
  const uint8_t *head = t->held.at + 2;
  size_t length = t->held.length - 2;
  if (t->place == PLACE_DCS) return byte < 0x40 && t->held.length <= LONGEST_HEAD ? KIND_OPEN : dcs_kind(head, length);
  enum sequence_kind kind = osc_kind(head, length, false);
  return kind == KIND_OPEN && t->held.length > LONGEST_HEAD ? KIND_BLOCKED : kind;
}

static void policy_string(struct tokenizer *t, uint8_t byte, struct bytes *out) {
  struct policy_filter *f = filter_of(t);
  // other controls do nothing inside a string, and are no part of it
  if (byte < 0x20 || t->fate == FATE_DROPPED) return;
  if (t->fate == FATE_OPEN) {
    if (byte == 0x7f && t->place == PLACE_DCS) return;
    bytes_byte(&t->held, byte);
    enum sequence_kind kind = kind_so_far(t, byte);
    if (kind != KIND_OPEN) decide_string(f, kind, out);
  } else if (++f->length > f->room) tokenizer_decide(t, FATE_DROPPED, NULL);
  else bytes_byte(t->fate == FATE_PASSED ? out : &t->held, byte);
}

static bool policy_end(struct tokenizer *t, const void *terminator, size_t length, struct bytes *out) {
  struct policy_filter *f = filter_of(t);
  if (t->place == PLACE_OSC && t->fate == FATE_OPEN) decide_string(f, osc_kind(t->held.at + 2, t->held.length - 2, true), out);
  uint8_t fate = t->fate;
  if (fate == FATE_KEPT) bytes_add(out, t->held.at, t->held.length);
  if (fate == FATE_ASKED) {
    uint32_t whole = (uint32_t)t->held.length + 2;
    bytes_add(&f->asked, &whole, sizeof whole);
    bytes_add(&f->asked, t->held.at, t->held.length);
    bytes_text(&f->asked, inert);
  }
  tokenizer_forget(t);
  // the head of a DCS that is none yet does nothing
  if (fate == FATE_OPEN) return false;
  if (fate == FATE_KEPT || fate == FATE_PASSED) bytes_add(out, terminator, length);
  else bytes_text(out, inert);
  return true;
}

// ---- escapes

static void policy_opened(struct tokenizer *t, uint8_t letter, struct bytes *out) {
  // SOS, PM, APC: tmux takes APC for a title, screen shows PM as a message; the session's terminal knows
  // none of them
  if (t->place == PLACE_STRING) tokenizer_decide(t, FATE_DROPPED, NULL);
  if (t->place != PLACE_TEXT) return;
  enum escape_effect effect = escape_effect(letter);
  if (effect == ESCAPE_BLOCKED) return tokenizer_replace(t, out);
  tokenizer_release(t, out);
  if (effect == ESCAPE_RESETS) set_modes_we_need(out);
}

static void policy_escape(struct tokenizer *t, struct bytes *out) {
  if (escape_is_blocked(t->held.at + 1, t->held.length - 1)) tokenizer_replace(t, out);
  else tokenizer_release(t, out);
}

static void policy_text(struct tokenizer *t, uint8_t byte, struct bytes *out) {
  (void)t;
  bytes_byte(out, byte);
}

void policy_byte(struct policy_filter *f, uint8_t byte, struct bytes *out) {
  static const struct token_handler handler = {
      .text = policy_text,
      .foreign = policy_foreign,
      .opened = policy_opened,
      .escape = policy_escape,
      .control = policy_control,
      .string = policy_string,
      .end = policy_end,
  };
  tokenizer_byte(&f->tokens, &handler, byte, out);
}
