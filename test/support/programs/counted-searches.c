// Whether an OSC asks something (native/filter/sequence_rules.c), for the text that stands on stdin. Prints
// the answer, and how many bytes were searched through for it.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static size_t searched;

static void *counted_memmem(const void *text, size_t length, const void *what, size_t what_length) {
  uint8_t *found = memmem(text, length, what, what_length);
  searched += found ? (size_t)(found - (const uint8_t *)text) + what_length : length;
  return found;
}

static void *counted_memchr(const void *text, int byte, size_t length) {
  uint8_t *found = memchr(text, byte, length);
  searched += found ? (size_t)(found - (const uint8_t *)text) + 1 : length;
  return found;
}

#define memmem counted_memmem
#define memchr counted_memchr
#include "filter/sequence_rules.c"

int main(void) {
  static uint8_t text[1 << 20];
  size_t length = 0;
  for (ssize_t count; (count = read(0, text + length, sizeof text - length)) > 0;) length += (size_t)count;
  bool asks = osc_asks(text, length);
  printf("%s %zu\n", asks ? "asks" : "tells", searched);
  return 0;
}
