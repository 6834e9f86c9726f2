// The frame of both wire protocols (docs/design/protocol.md): u32 payload length, little endian · u8 type ·
// payload. Shared by client and holder.
#ifndef FALCON_FRAME_H
#define FALCON_FRAME_H

#include <stddef.h>
#include <stdint.h>

enum { FRAME_HEADER = 5 };

static inline void put_u16(uint8_t *at, uint16_t v) {
  at[0] = (uint8_t)v;
  at[1] = (uint8_t)(v >> 8);
}

static inline void put_u32(uint8_t *at, uint32_t v) {
  put_u16(at, (uint16_t)v);
  put_u16(at + 2, (uint16_t)(v >> 16));
}

static inline void put_u64(uint8_t *at, uint64_t v) {
  put_u32(at, (uint32_t)v);
  put_u32(at + 4, (uint32_t)(v >> 32));
}

static inline uint16_t get_u16(const uint8_t *at) {
  return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t get_u32(const uint8_t *at) {
  return (uint32_t)get_u16(at) | (uint32_t)get_u16(at + 2) << 16;
}

static inline uint64_t get_u64(const uint8_t *at) {
  return (uint64_t)get_u32(at) | (uint64_t)get_u32(at + 4) << 32;
}

// Writes the five bytes in front of a payload of `length` bytes.
static inline void put_header(uint8_t *at, uint8_t type, size_t length) {
  put_u32(at, (uint32_t)length);
  at[4] = type;
}

#endif
