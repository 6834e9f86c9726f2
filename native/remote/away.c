// See away.h. A sequence of the program may have been cut off where the connection was: CAN goes first.
#include "remote/away.h"

#include <stdio.h>
#include <string.h>

#include "client/terminal.h"

// Of what was typed so much is shown.
enum { SHOWN_MOST = 20 };

static bool titled, asking;

bool away_title(const char *host) {
  char text[256];
  if (titled == (host != NULL)) return true;
  titled = host != NULL;
  int length = host ? snprintf(text, sizeof text, "\x18\x1b[22;2t\x1b]2;falcon: nothing is heard from %.64s\x07", host)
                    : snprintf(text, sizeof text, "\x18\x1b[23;2t");
  return terminal_write((const uint8_t *)text, (size_t)length);
}

// Makes what was typed visible: controls as ^X, what is no ASCII as it was counted. How many bytes of it
// these are.
static size_t describe(const uint8_t *bytes, size_t length, char *text) {
  size_t used = 0, i = 0;
  for (; i < length && used < SHOWN_MOST; i++) {
    if (bytes[i] < 0x20 || bytes[i] == 0x7f) {
      text[used++] = '^';
      text[used++] = (char)(bytes[i] ^ 0x40);
    } else text[used++] = bytes[i] < 0x7f ? (char)bytes[i] : '?';
  }
  text[used] = 0;
  return i;
}

void away_ask(const char *host, const uint8_t *bytes, size_t length, size_t count) {
  char what[SHOWN_MOST + 2], text[512];
  size_t shown = describe(bytes, length, what);
  asking = true;
  int used = snprintf(text, sizeof text,
                      "\x18\x1b" "7\x0f\x1b(B\x1b[r\x1b[999;1H\x1b[0;7m %.24s is back."
                      " Send what was typed meanwhile (%s%s)? y/n \x1b[K\x1b[0m\x1b" "8\x07",
                      host, what, count > shown ? "…" : "");
  terminal_write((const uint8_t *)text, (size_t)used);
}

bool away_is_asking(void) { return asking; }

void away_withdraw(void) { asking = false; }

ssize_t away_answer(const uint8_t *bytes, size_t length, bool *yes) {
  if (length > 0 && bytes[0] == 0x1b) return -1;
  for (size_t i = 0; i < length; i++) {
    if (!strchr("yYnN", bytes[i]) || !bytes[i]) continue;
    asking = false;
    *yes = bytes[i] == 'y' || bytes[i] == 'Y';
    return (ssize_t)i;
  }
  return -1;
}
