// Finds the plain beginning of output (text, tabs, CR, LF, SGR): what a flood costs the screen's thread. The
// rules stand once more in test/support/oracle/plain-text-scan.ts, with which a test compares it.
// It asks no table: that a sequence only changes the pen is all that lets a screen pass lines over, and SGR
// is the one that does. It reads 1 to 3 GB/s, where tokenizer.c reads some 30 MB/s byte by byte (sequences
// that the fast path of stream_filter.c does not take, two cores, other work beside it).
#include "filter/plain_text_scan.h"

#include <stdbool.h>
#include <string.h>

#include "filter/tokenizer.h"
#include "filter/word_scan.h"

// A control sequence that is longer is left to whoever looks closer.
enum { LONGEST_SGR = 64 };

// The same for bytes below 20, which is right in the lowest mark, too.
static uint64_t controls(uint64_t v) { return (v - eight_of(0x20)) & ~v & eight_of(0x80); }

static bool is_unusual(uint8_t byte) { return byte < 0x20 || byte == 0x7f || byte == 0xc2; }

// The next byte from `at` on that is a control, DEL or C2, eight of them at a time.
static size_t next_unusual(const uint8_t *bytes, size_t length, size_t at) {
  for (uint64_t v; length - at >= sizeof v; at += sizeof v) {
    memcpy(&v, bytes + at, sizeof v);
    uint64_t marks = controls(v) | marks_of_zeros(v ^ eight_of(0x7f)) | marks_of_zeros(v ^ eight_of(0xc2));
    if (marks == 0) continue;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return at + (size_t)__builtin_ctzll(marks) / 8;
#else
    break;
#endif
  }
  while (at < length && !is_unusual(bytes[at])) at++;
  return at;
}

struct plain_text_scan plain_text_scan(const uint8_t *bytes, size_t length) {
  struct plain_text_scan part = {0, 0, 0};
  size_t at = 0;
  for (;;) {
    at = next_unusual(bytes, length, at);
    if (at == length) break;
    if (bytes[at] == '\n') {
      part.line_feeds++;
      at++;
    } else if (bytes[at] == '\r' || bytes[at] == '\t') {
      at++;
    } else if (bytes[at] == 0xc2) {
      // C2 and a byte below A0 are a C1 control; in front of any other it is none of a character
      if (at + 1 == length || bytes[at + 1] < 0xa0 || bytes[at + 1] > 0xbf) break;
      at += 2;
    } else if (bytes[at] == 0x1b) {
      size_t end = end_of_bare_control(bytes, length, at, LONGEST_SGR);
      if (end == 0 || bytes[end - 1] != 'm') break;
      // CSI m and CSI 0 m undo everything that other SGRs do
      if (end - at == 3 || (end - at == 4 && bytes[at + 2] == '0')) part.attributes = at;
      at = end;
    } else break;
  }
  part.length = at;
  return part;
}
