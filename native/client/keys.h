// Sends typed bytes from the client straight to the holder: those that the server allowed in advance, while
// its key parser is at rest. Any other read goes to the server and closes the way, until the server has dealt
// with it and opens it again.
#ifndef FALCON_KEYS_H
#define FALCON_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  KEYS_SET = 32,     // bytes of the set: a bit for each byte that may go
  KEYS_CARRIES = 1,  // flag of KEYS_OPEN: a connection to the holder rides on it
};

// Whose keys they are, as the holder counts them.
void keys_begin(const uint8_t token[16]);
// The way is open for these bytes, and for the interrupt character (0: none) alone, on this connection to the
// holder (-1: on the one that is there). The descriptor is ours from then on.
void keys_open(const uint8_t set[KEYS_SET], uint8_t interrupt, int holder);
// The way is closed for now: what was typed goes another one.
void keys_close(void);
// The session is left: the connection ends.
void keys_end(void);
bool keys_have_holder(void);
// Takes one read of the terminal; false where it is not for this way, which is closed then.
bool keys_take(const uint8_t *bytes, size_t length);
// Whether the holder has all that went this way, or has not said so for too long: only then may anything go
// another one.
bool keys_settled(int64_t now);
// The descriptor to poll, -1 where there is none, and for what.
int keys_fd(short *events);
// Reads and writes what there is.
void keys_step(void);

#endif
