// Runs a viewer's output through both stages of its filter (question_filter.c, policy_filter.c). What only
// draws by the table of sequences, as most of a flood does, is found eight bytes at a time and goes past
// both: 0.6 to 5 GB/s, where the stages read some 30 MB/s, byte by byte.
#include "filter/stream_filter.h"

#include "filter/mode_rules.h"
#include "filter/word_scan.h"

static bool draws(const struct stream_filter *f, uint8_t byte, uint8_t as) { return byte < 0x80 && f->draws[byte] & as; }

// Where a whole sequence at `at` ends that both stages would pass as it is; else 0.
static size_t end_of_drawing(const struct stream_filter *f, const uint8_t *bytes, size_t length, size_t at) {
  if (length - at < 2) return 0;
  if (bytes[at + 1] != '[') return draws(f, bytes[at + 1], DRAWS_AS_ESCAPE) ? at + 2 : 0;
  size_t limit = length - at > LONGEST_CONTROL ? at + LONGEST_CONTROL : length, i = at + 2;
  if (i < limit && bytes[i] == '?') {
    // one mode: a list of them is for the stages
    uint32_t mode = 0;
    for (i++; i < limit && bytes[i] >= '0' && bytes[i] <= '9' && mode < 10000; i++) mode = mode * 10 + (uint32_t)(bytes[i] - '0');
    bool sets = i < limit && (bytes[i] == 'h' || bytes[i] == 'l');
    return sets && mode_may(true, mode, bytes[i]) ? i + 1 : 0;
  }
  size_t end = end_of_bare_control(bytes, length, at, LONGEST_CONTROL);
  return end > 0 && draws(f, bytes[end - 1], DRAWS_AS_FINAL) ? end : 0;
}

// Where text and sequences that only draw end, that begin at `at`.
static size_t end_of_drawings(const struct stream_filter *f, const uint8_t *bytes, size_t length, size_t at) {
  for (;;) {
    at = next_of_three(bytes, length, at, 0x1b, 0x05, 0xc2);
    if (at == length) return length;
    if (bytes[at] == 0x1b) {
      size_t end = end_of_drawing(f, bytes, length, at);
      if (end == 0) return at;
      at = end;
    } else if (bytes[at] == 0xc2 && at + 1 < length && bytes[at + 1] >= 0xa0 && bytes[at + 1] <= 0xbf) at += 2;
    else return at;
  }
}

// Length of the part that ends with a whole UTF-8 character, or with what can be none.
static size_t whole_characters(const uint8_t *bytes, size_t length) {
  for (size_t back = 1; back <= 3 && back <= length; back++) {
    uint8_t byte = bytes[length - back];
    if (byte < 0x80) return length;
    if (byte < 0xc0) continue;
    size_t size = byte >= 0xf8 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return size > back ? length - back : length;
  }
  return length;
}

void stream_filter_begin(struct stream_filter *f, const struct sequence_rules *rules, bool questions, bool may_ask) {
  *f = (struct stream_filter){.questions = questions, .policy = {.rules = *rules, .may_ask = may_ask}};
  for (uint8_t byte = 0x30; byte < 0x7f; byte++) {
    if (byte >= 0x40 && final_draws(byte)) f->draws[byte] |= DRAWS_AS_FINAL;
    if (opened_by(byte) == PLACE_TEXT && escape_effect(byte) == ESCAPE_DRAWS) f->draws[byte] |= DRAWS_AS_ESCAPE;
  }
}

bool stream_filter_at_rest(const struct stream_filter *f) {
  const struct tokenizer *q = &f->question.tokens, *p = &f->policy.tokens;
  return q->place == PLACE_TEXT && !q->c2 && p->place == PLACE_TEXT && !p->c2 && f->between.length == 0;
}

// The second stage takes what the first let through, up to the last whole character.
static void judge(struct stream_filter *f) {
  size_t whole = whole_characters(f->between.at, f->between.length);
  for (size_t i = 0; i < whole; i++) policy_byte(&f->policy, f->between.at[i], &f->out);
  if (whole > 0) bytes_shift(&f->between, whole);
}

bool stream_filter_passes(const struct stream_filter *f, const uint8_t *bytes, size_t length) {
  return stream_filter_at_rest(f) && end_of_drawings(f, bytes, length, 0) == length && whole_characters(bytes, length) == length;
}

// What it allocates.
enum { BUFFERS = 6 };
static struct bytes *buffer(struct stream_filter *f, size_t i) {
  struct bytes *all[BUFFERS] = {&f->question.tokens.held, &f->question.text, &f->policy.tokens.held,
                                &f->policy.asked,         &f->between,       &f->out};
  return all[i];
}

bool stream_filter_feed(struct stream_filter *f, const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (stream_filter_at_rest(f)) {
      size_t run = whole_characters(bytes + i, end_of_drawings(f, bytes, length, i) - i);
      bytes_add(&f->out, bytes + i, run);
      i += run;
      if (i == length) break;
    }
    if (f->questions) question_byte(&f->question, bytes[i], &f->between);
    else bytes_byte(&f->between, bytes[i]);
    if (f->between.length > 0) judge(f);
  }
  for (size_t i = 0; i < BUFFERS; i++)
    if (buffer(f, i)->failed) return false;
  return true;
}

bool stream_filter_streams(const struct stream_filter *f) { return f->policy.tokens.fate == FATE_PASSED; }

void stream_filter_end(struct stream_filter *f) {
  for (size_t i = 0; i < BUFFERS; i++) bytes_free(buffer(f, i));
}
