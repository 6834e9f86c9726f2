// The filter of a viewer's stream under sanitizers: the same whatever the cuts, bounded, and nothing left
// over once it is freed.
#include "driver.h"

#include <string.h>

#include "filter/policy_filter.c"
#define filter_of question_filter_of
#include "filter/question_filter.c"
#include "filter/mode_rules.c"
#include "filter/sequence_rules.c"
#include "filter/stream_filter.c"
#include "filter/tokenizer.c"

void fuzz_one(const uint8_t *bytes, size_t length) {
  if (length < 3) return;
  struct sequence_rules rules;
  for (size_t i = 0; i < SEQUENCE_KINDS; i++) rules.passage[i] = bytes[0] >> i & 1 ? PASSAGE_PASS : PASSAGE_BLOCK;
  if (bytes[1] & 1) rules.passage[KIND_CLIPBOARD] = PASSAGE_ASK;
  size_t step = 1 + bytes[2] % 61;
  struct stream_filter whole, cut;
  stream_filter_begin(&whole, &rules, bytes[1] & 2, bytes[1] & 4);
  stream_filter_begin(&cut, &rules, bytes[1] & 2, bytes[1] & 4);
  bytes += 3;
  length -= 3;
  fuzz_require(stream_filter_feed(&whole, bytes, length), "memory");
  for (size_t at = 0; at < length; at += step) stream_filter_feed(&cut, bytes + at, length - at < step ? length - at : step);
  fuzz_require(whole.out.length == cut.out.length && (whole.out.length == 0 || memcmp(whole.out.at, cut.out.at, whole.out.length) == 0), "cuts make a difference");
  fuzz_require(whole.out.length <= length * 3 + 16, "more than three times as much");
  fuzz_require(stream_filter_at_rest(&whole) == stream_filter_at_rest(&cut), "at rest or not by the cuts");
  stream_filter_end(&whole);
  stream_filter_end(&cut);
}
