// UTF-8 in bytes that may be anything (RFC 3629).
#ifndef FALCON_UTF8_H
#define FALCON_UTF8_H

#include <stddef.h>
#include <stdint.h>

// Bytes of the character that a byte begins; 0 where it begins none.
static inline size_t utf8_size(uint8_t lead) {
  return lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
}

// Bytes of the whole character that stands at the beginning, and its code point; 0 where none does.
static inline size_t utf8_character(const uint8_t *bytes, size_t length, uint32_t *point) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  size_t size = length > 0 ? utf8_size(*bytes) : 0;
  if (size == 0 || size > length) return 0;
  uint32_t code = size == 1 ? *bytes : *bytes & (0x7fu >> size);
  for (size_t i = 1; i < size; i++) {
    if ((bytes[i] & 0xc0) != 0x80) return 0;
    code = code << 6 | (bytes[i] & 0x3f);
  }
  // overlong, a surrogate, beyond Unicode
  if (code < least[size] || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff) return 0;
  *point = code;
  return size;
}

#endif
