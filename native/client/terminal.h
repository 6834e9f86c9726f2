// The user's terminal: raw mode, its size, writing without waiting, and putting it back on every way out.
#ifndef FALCON_TERMINAL_H
#define FALCON_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// The size of the terminal on stdout, stdin or stderr; 0 x 0 without one.
void terminal_size(uint16_t *cols, uint16_t *rows);

// Puts the terminal on stdin into raw mode; false where there is none. Can be repeated after a stop.
bool terminal_raw(void);

// Ends raw mode.
void terminal_cooked(void);

// Keeps the bytes that put the screen back; they replace those kept before.
void terminal_keep_restore(const uint8_t *bytes, size_t length);

// Writes something of our own to stdout, and waits for a slow terminal half a second at most: what it has not
// taken by then it is not sent. False when nobody reads any more.
bool terminal_write(const uint8_t *bytes, size_t length);

// Puts everything back: the kept bytes, then the line discipline. `torn`: output was cut off, perhaps inside
// a sequence. Waits as terminal_write does.
void terminal_leave(bool torn);

// The same for a handler of a fatal signal: async-signal-safe, does not wait.
void terminal_crash(void);

// Makes stdout and stderr ready for output_write.
void output_open(void);

// Writes to stdout (1) or stderr (2) what goes without waiting: the number of bytes, 0 when it would block,
// -1 when nobody reads any more.
ssize_t output_write(int stream, const uint8_t *bytes, size_t length);

// The descriptor to poll for output of a stream.
int output_fd(int stream);

#endif
