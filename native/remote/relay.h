// The byte channel between a client and the server of another machine: what a socket has, in records, over
// whatever carries bytes both ways (ssh, srun). Either side asks the other for a pulse, and so notices a
// network that is gone, whatever the carrier thinks of it.
#ifndef FALCON_RELAY_H
#define FALCON_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  // The first line of the far side; what stands in front of it was printed by a shell's start-up file.
  RELAY_VERSION = 1,
  RELAY_RECORD_MOST = 32 << 10,
  // Our side of the channel: ask for a pulse where nothing was heard for so long, and where nothing is
  // answered for so long, say so.
  RELAY_PULSE_MS = 3000,
  RELAY_SILENT_MS = 2000,
  // Without an answer for so long the channel is lost: as long as ssh itself waits with the usual
  // ServerAliveInterval 5.
  RELAY_LOST_MS = 15000,
  // The far side, which is asked at least each RELAY_PULSE_MS, gives a client up that it has not heard for so
  // long.
  RELAY_DESERTED_MS = 60000,
  // The far side takes nothing that was so long on its way, longer than the quickest: a network that comes
  // back delivers what was typed before.
  RELAY_LATE_MS = 5000,
};

#define RELAY_GREETING "falcon-sessions bridge "

enum relay_end {
  RELAY_CLOSED,   // both sides have said all
  RELAY_LEFT,     // the socket's other side is gone
  RELAY_BROKEN,   // the carrier is at its end
  RELAY_LOST,     // nothing was heard for too long
  RELAY_LATE,     // what came was under way for too long
};

struct relay {
  int socket;   // to the client here, or to the server there
  int in, out;  // the carrier; non-blocking
  bool asks;    // ours is the client's side
  int errors;   // what the carrier says besides; -1: nothing
  // Of the client's side: the carrier said this; the far side has been silent for a while, or is heard again;
  // the far side's greeting has come.
  void (*said)(const uint8_t *bytes, size_t length);
  void (*silent)(bool silent);
  void (*greeted)(const uint8_t *info, size_t length);
};

// Writes the far side's greeting and what it tells of itself; blocks.
bool relay_greet(int out, const uint8_t *info, size_t length);

// Carries bytes until an end of `enum relay_end`.
enum relay_end relay_run(const struct relay *relay);

#endif
