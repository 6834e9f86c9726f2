// See prose.h.
#include "client/prose.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "system/os.h"
#include "system/utf8.h"

// A sentence with two paths in it, and a program's name.
enum { LONGEST = 12288, LONGEST_NAME = 256 };

// Controls, marks of direction, format characters, separators of lines, fillers (Unicode's Cc, Cf, Zl, Zp and
// what is ignored by default); src/base/text/printable.ts has the same by their categories.
static const struct { uint32_t first, last; } hidden[] = {
    {0x00, 0x1f},       {0x7f, 0x9f},       {0xad, 0xad},       {0x34f, 0x34f},     {0x600, 0x605},
    {0x61c, 0x61c},     {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x890, 0x891},     {0x8e2, 0x8e2},
    {0x115f, 0x1160},   {0x180e, 0x180e},   {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},
    {0x3164, 0x3164},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff9, 0xfffb},   {0x110bd, 0x110bd},
    {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe007f},
};

static bool is_hidden(uint32_t point) {
  for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
    if (point >= hidden[i].first && point <= hidden[i].last) return true;
  return false;
}

// Writes `text` to `shown` (room bytes, its end included): one line of valid UTF-8, everything hidden as an
// escape (\x1b, \u202e), cut at a whole character where there is no room.
static void show(char *shown, size_t room, const char *text) {
  size_t at = 0;
  const uint8_t *next = (const uint8_t *)text, *end = next + strlen(text);
  while (next < end) {
    char piece[16];
    uint32_t point;
    size_t length = utf8_character(next, (size_t)(end - next), &point);
    if (length == 0) snprintf(piece, sizeof piece, "\\x%02x", *next);
    else if (!is_hidden(point)) snprintf(piece, sizeof piece, "%.*s", (int)length, (const char *)next);
    else if (point == '\n') snprintf(piece, sizeof piece, "\\n");
    else if (point == '\t') snprintf(piece, sizeof piece, "\\t");
    else if (point < 0x20) snprintf(piece, sizeof piece, "\\x%02x", (unsigned)point);
    else if (point < 0x10000) snprintf(piece, sizeof piece, "\\u%04x", (unsigned)point);
    else snprintf(piece, sizeof piece, "\\u{%x}", (unsigned)point);
    size_t wide = strlen(piece);
    if (at + wide + 1 > room) break;
    memcpy(shown + at, piece, wide);
    at += wide;
    next += length > 0 ? length : 1;
  }
  shown[at] = 0;
}

void prose_say_all(const char *name, const char *format, va_list arguments) {
  char text[LONGEST + LONGEST_NAME], shown[LONGEST], by[LONGEST_NAME];
  vsnprintf(text, sizeof text, format, arguments);
  show(shown, sizeof shown, text);
  show(by, sizeof by, name);
  size_t length = (size_t)snprintf(text, sizeof text, "%s: %s\n", by, shown);
  if (length >= sizeof text) length = sizeof text - 1;
  for (size_t at = 0; at < length;) {
    ssize_t count = os_write(2, text + at, length - at);
    if (count > 0) at += (size_t)count;
    else if (errno != EINTR) return;
  }
}

void prose_say(const char *name, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  prose_say_all(name, format, arguments);
  va_end(arguments);
}
