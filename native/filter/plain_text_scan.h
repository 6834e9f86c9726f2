// Finds how much of some output is plain text, which a screen may skip in a flood.
#ifndef FALCON_PLAIN_TEXT_SCAN_H
#define FALCON_PLAIN_TEXT_SCAN_H

#include <stddef.h>
#include <stdint.h>

// What plain_text_scan found: bytes of the plain beginning, its line feeds, and where the SGR sequences begin
// that count in it.
struct plain_text_scan {
  size_t length, line_feeds, attributes;
};

struct plain_text_scan plain_text_scan(const uint8_t *bytes, size_t length);

#endif
