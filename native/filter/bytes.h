// A buffer of bytes that grows: what a filter has let through, or holds back.
#ifndef FALCON_BYTES_H
#define FALCON_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
  uint8_t *at;
  size_t length, room;
  bool failed;  // memory ran out: what was added since is missing
};

static inline void bytes_add(struct bytes *b, const void *more, size_t length) {
  if (length == 0 || b->failed) return;
  if (b->room - b->length < length) {
    size_t room = (b->length + length) * 2;
    uint8_t *grown = realloc(b->at, room);
    if (!grown) {
      b->failed = true;
      return;
    }
    b->at = grown;
    b->room = room;
  }
  memcpy(b->at + b->length, more, length);
  b->length += length;
}

static inline void bytes_byte(struct bytes *b, uint8_t byte) {
  if (b->length < b->room) b->at[b->length++] = byte;
  else bytes_add(b, &byte, 1);
}

static inline void bytes_text(struct bytes *b, const char *text) { bytes_add(b, text, strlen(text)); }

// Forgets the first `length` bytes.
static inline void bytes_shift(struct bytes *b, size_t length) {
  memmove(b->at, b->at + length, b->length - length);
  b->length -= length;
}

static inline void bytes_free(struct bytes *b) {
  free(b->at);
  *b = (struct bytes){0};
}

#endif
