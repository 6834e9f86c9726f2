// The second stage of a viewer's filter: passes or drops what a program does to its viewers' terminals beyond
// drawing, or asks about it, by the user's rules (docs/design/security.md). Strings are kept until they are
// whole; images are passed as they come.
#include "mode_rules.h"
#include "stream_filter.h"

enum { GROUND, ESCAPE, CONTROL, CONTROL_DROPPED, OSC_HEAD, DCS_HEAD, KEPT, ASKED, STREAMED, DROPPED };

// Bytes of an OSC or DCS by which it is known what it is; one that still is not is blocked.
enum { LONGEST_HEAD = 64 };

// Ends nothing and shows nothing, but keeps what a printed character would join with apart, as the sequence
// would have.
static const char inert[] = "\x1b\\";

static void forget(struct policy_filter *f) {
  f->held.length = 0;
  f->state = GROUND;
}

static void release(struct policy_filter *f, struct bytes *out) {
  bytes_add(out, f->held.at, f->held.length);
  forget(f);
}

static void drop(struct policy_filter *f, struct bytes *out) {
  forget(f);
  bytes_text(out, inert);
}

// A byte that ends no sequence and begins none: some terminals break off there, others drop the byte and go
// on with the sequence. So what was begun is kept from both, and what follows is text to both.
static void break_off(struct policy_filter *f, uint8_t byte, struct bytes *out) {
  forget(f);
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
    drop(f, out);
    if (any) bytes_byte(&left, c->final);
    bytes_add(out, left.at, left.length);
  }
  out->failed = out->failed || left.failed;
  bytes_free(&left);
  return cut;
}

static void decide_control(struct policy_filter *f, struct bytes *out) {
  struct control c = control_of(f->held.at + 2, f->held.length - 2);
  if ((c.final == 'h' || c.final == 'l') && cut_modes(f, &c, out)) return;
  bool resets = control_resets_modes(&c);
  if (passage_of(f, control_kind(&c)) == PASSAGE_PASS) release(f, out);
  else drop(f, out);
  if (resets) bytes_text(out, modes_we_need);
}

static void in_control(struct policy_filter *f, uint8_t byte, struct bytes *out) {
  if (byte < 0x20) return bytes_byte(out, byte);
  if (f->state == CONTROL_DROPPED) {
    if (byte >= 0x40 && byte <= 0x7e) drop(f, out);
    return;
  }
  if (byte == 0x7f) return;
  if (byte >= 0x80) return break_off(f, byte, out);
  bytes_byte(&f->held, byte);
  if (f->held.length > LONGEST_CONTROL) {
    f->held.length = 0;
    f->state = CONTROL_DROPPED;
  } else if (byte >= 0x40) decide_control(f, out);
}

// ---- strings

static void decide_string(struct policy_filter *f, enum sequence_kind kind, struct bytes *out) {
  f->length = f->held.length;
  f->room = kind == KIND_IMAGES ? LONGEST_IMAGE : LONGEST_STRING;
  enum passage passage = passage_of(f, kind);
  if (passage == PASSAGE_PASS && kind == KIND_IMAGES) {
    release(f, out);
    f->state = STREAMED;
  } else if (passage == PASSAGE_PASS) f->state = KEPT;
  else if (passage == PASSAGE_ASK) f->state = ASKED;
  else {
    f->held.length = 0;
    f->state = DROPPED;
  }
}

static void in_dcs_head(struct policy_filter *f, uint8_t byte, struct bytes *out) {
  if (byte < 0x20 || byte == 0x7f) return;
  bytes_byte(&f->held, byte);
  if (byte < 0x40 && f->held.length <= LONGEST_HEAD) return;
  decide_string(f, dcs_kind(f->held.at + 2, f->held.length - 2), out);
}

// Something ends the sequence at hand, if there is one: a string's own end, or whatever begins next. Whether
// it was a string; what had to be written then is written, its end included. An unfinished control sequence
// or escape does nothing in any terminal.
static bool end(struct policy_filter *f, const void *terminator, size_t length, struct bytes *out) {
  if (f->state == OSC_HEAD) decide_string(f, osc_kind(f->held.at + 2, f->held.length - 2, true), out);
  uint8_t state = f->state;
  if (state == KEPT) bytes_add(out, f->held.at, f->held.length);
  if (state == ASKED) {
    uint32_t whole = (uint32_t)f->held.length + 2;
    bytes_add(&f->asked, &whole, sizeof whole);
    bytes_add(&f->asked, f->held.at, f->held.length);
    bytes_text(&f->asked, inert);
  }
  forget(f);
  if (state == KEPT || state == STREAMED) bytes_add(out, terminator, length);
  else if (state == DROPPED || state == ASKED) bytes_text(out, inert);
  else return false;
  return true;
}

static void in_string(struct policy_filter *f, uint8_t byte, struct bytes *out) {
  if (byte == 0x07 && f->osc) {
    end(f, &byte, 1, out);
    return;
  }
  // other controls do nothing inside a string, and are no part of it
  if (byte < 0x20) return;
  if (f->state == OSC_HEAD) {
    bytes_byte(&f->held, byte);
    enum sequence_kind kind = osc_kind(f->held.at + 2, f->held.length - 2, false);
    if (kind == KIND_OPEN && f->held.length > LONGEST_HEAD) kind = KIND_BLOCKED;
    if (kind != KIND_OPEN) decide_string(f, kind, out);
    return;
  }
  if (f->state == DROPPED) return;
  if (++f->length > f->room) {
    f->held.length = 0;
    f->state = DROPPED;
  } else bytes_byte(f->state == STREAMED ? out : &f->held, byte);
}

// ---- escapes

// Behind ESC: what begins.
static void open_sequence(struct policy_filter *f, uint8_t byte, struct bytes *out) {
  f->osc = byte == ']';
  switch (byte) {
    case '[': f->state = CONTROL; return;
    case ']': f->state = OSC_HEAD; return;
    case 'P': f->state = DCS_HEAD; return;
    // SOS, PM, APC: tmux takes APC for a title, screen shows PM as a message; the session's terminal knows
    // none of them
    case 'X':
    case '^':
    case '_': f->state = DROPPED; return;
    // ESC k: a title for screen and tmux, and no string at all for the session's own terminal, which shows
    // what follows
    case 'k': return drop(f, out);
  }
  release(f, out);
  if (byte == 'c') bytes_text(out, modes_we_need);
}

static void after_escape(struct policy_filter *f, uint8_t byte, struct bytes *out) {
  // DEL is nothing within a sequence
  if (byte == 0x7f) return;
  if (byte >= 0x80) return break_off(f, byte, out);
  bytes_byte(&f->held, byte);
  // character sets and the like have more characters
  if (byte <= 0x2f && f->held.length < LONGEST_HEAD) return;
  if (f->held.length > 2 && escape_is_blocked(f->held.at + 1, f->held.length - 1)) drop(f, out);
  else if (f->held.length > 2) release(f, out);
  else if (f->closed && byte == '\\') forget(f);
  else open_sequence(f, byte, out);
}

// A C1 control in UTF-8: the same as ESC and the letter 0x40 below it.
static void c1_control(struct policy_filter *f, uint8_t code, struct bytes *out) {
  uint8_t both[] = {0xc2, code};
  bool string = code == 0x9c ? end(f, both, 2, out) : end(f, inert, 2, out);
  f->closed = false;
  if (code == 0x9c) {
    if (!string) bytes_add(out, both, 2);
    return;
  }
  bytes_add(&f->held, both, 2);
  open_sequence(f, code - 0x40, out);
}

static void in_byte(struct policy_filter *f, uint8_t byte, struct bytes *out) {
  if (byte == 0x1b) {
    f->closed = end(f, inert, 2, out);
    bytes_byte(&f->held, byte);
    f->state = ESCAPE;
    return;
  }
  if (byte == 0x18 || byte == 0x1a) return break_off(f, byte, out);  // CAN and SUB: what was held back goes with it
  switch (f->state) {
    case GROUND: return bytes_byte(out, byte);
    case ESCAPE:
      if (byte < 0x20) return bytes_byte(out, byte);
      return after_escape(f, byte, out);
    case CONTROL:
    case CONTROL_DROPPED: return in_control(f, byte, out);
    case DCS_HEAD: return in_dcs_head(f, byte, out);
    default: return in_string(f, byte, out);
  }
}

bool policy_streams(const struct policy_filter *f) { return f->state == STREAMED; }

void policy_byte(struct policy_filter *f, uint8_t byte, struct bytes *out) {
  if (f->c2) {
    f->c2 = false;
    if (byte >= 0x80 && byte <= 0x9f) return c1_control(f, byte, out);
    // a C2 that begins no character is dropped, as the session's screen does
    if (byte >= 0xa0 && byte <= 0xbf) in_byte(f, 0xc2, out);
  }
  f->c2 = byte == 0xc2;
  if (!f->c2) in_byte(f, byte, out);
}
