// The direct way: a viewer's client reads the session's output from the holder itself, filters it and writes
// it to its terminal. The server has made and subscribed the connection and passed it on; it says when the
// way ends, and hears where the terminal stands. The server may be gone meanwhile.
#ifndef FALCON_DIRECT_H
#define FALCON_DIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Why it ended (docs/design/protocol.md, DIRECT_ENDED).
enum direct_end {
  DIRECT_AS_TOLD,
  DIRECT_SESSION_OVER,
  DIRECT_HOLDER_GONE,
  DIRECT_OTHER_SIZE,  // the output from here on is drawn for another size
  DIRECT_HOLE,        // bytes are missing from here on
};

// What the way tells the server. Nothing is told while there is none.
struct direct_reports {
  // The terminal has about the output before `offset`, and took nothing for so many percent of the time since
  // the last report.
  void (*at)(uint64_t offset, uint8_t blocked_percent);
  void (*ended)(uint64_t offset, enum direct_end why);
};

// Begins by a DIRECT frame's payload, on the connection `holder`, which is ours from then on. False (and it
// is closed) where the frame makes no sense.
bool direct_begin(int holder, const uint8_t *payload, size_t length, const struct direct_reports *reports);
bool direct_is_on(void);
// The descriptor to poll for reading; -1 while nothing is to be read, since the terminal has not taken what
// was.
int direct_fd(void);
// Whether the terminal is to be polled for writing.
bool direct_waits(void);
// Whether the output is read here, and there has been none for a little while.
bool direct_is_quiet(void);
// Milliseconds until the next report is due, or, without `reads`, an image within which the program has
// stopped is given up; -1: neither is.
int direct_timeout(bool reads);
// Reads what the holder sent, a bounded amount, and writes what the terminal takes; without `reads` only what
// it takes to come to rest. False when nobody reads our output any more.
bool direct_step(bool reads);
// Whether something of our own can be written now: all that was read is on the terminal, and no image is
// under way.
bool direct_at_rest(void);
// What was written besides, by word of a server that is gone, was cut off, perhaps within a sequence: that is
// ended before anything else is written.
void direct_cut_off(void);
// Ends it now: what the holder has sent is shown if the terminal takes it at once, what is left is dropped.
// `tell`: the server hears of it. False when nobody reads our output any more.
bool direct_stop(bool tell);

#endif
