// Finds bytes eight at a time.
// Source: Hacker's Delight, 2nd edition, 6-1, "Find First 0-Byte".
#ifndef FALCON_WORD_SCAN_H
#define FALCON_WORD_SCAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t eight_of(uint8_t byte) { return byte * UINT64_C(0x0101010101010101); }

// Marks the eighth bit of bytes that are 0. A borrow may mark others above one that is; the lowest mark is
// right.
static inline uint64_t marks_of_zeros(uint64_t v) { return (v - eight_of(1)) & ~v & eight_of(0x80); }

// The next byte from `at` on that is one of three; `length` where none is.
static inline size_t next_of_three(const uint8_t *bytes, size_t length, size_t at, uint8_t a, uint8_t b, uint8_t c) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  for (uint64_t v; length - at >= sizeof v; at += sizeof v) {
    memcpy(&v, bytes + at, sizeof v);
    uint64_t marks = marks_of_zeros(v ^ eight_of(a)) | marks_of_zeros(v ^ eight_of(b)) | marks_of_zeros(v ^ eight_of(c));
    if (marks != 0) return at + (size_t)__builtin_ctzll(marks) / 8;
  }
#endif
  while (at < length && bytes[at] != a && bytes[at] != b && bytes[at] != c) at++;
  return at;
}

#endif
