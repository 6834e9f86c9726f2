// The channel's relay (native/remote/relay.c) where one side takes less than the other brings. Prints how
// many bytes of those that it was given it has passed on.
//   full-relay FILE        the client's side: FILE is all that the carrier brings, and the client takes
//                          nothing until 1 MiB waits for it, then one byte, then everything
//   full-relay FILE deaf   the client takes all at once, and the carrier nothing any more of what it says
//   full-relay FILE far    the far side: a server has said as much as its socket holds, and has gone; the
//                          carrier, which brings FILE, takes nothing for a while. Prints what is missing
//   full-relay FILE mute [far]  either side: the carrier brings FILE and takes nothing. Prints how large the
//                          largest of its buffers became
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LATE = 50 };

static int ends[2], carrier[2], turns;
static bool deaf, far, mute;
static uint8_t heard[4 << 20];
static size_t taken, largest;

static ssize_t take(const void *bytes, size_t length) {
  if (taken + length <= sizeof heard) memcpy(heard + taken, bytes, length);
  taken += length;
  return (ssize_t)length;
}

static ssize_t to_client(const void *bytes, size_t length) {
  if (turns == 0 && length < 1 << 20 && !deaf) return errno = EAGAIN, -1;
  turns++;
  if (turns == 2 && !deaf) return errno = EAGAIN, -1;
  return take(bytes, turns == 1 && !deaf ? 1 : length);
}

static void *watched_realloc(void *memory, size_t size) {
  if (size > largest) largest = size;
  return realloc(memory, size);
}

static ssize_t played_write(int fd, const void *bytes, size_t length) {
  if (mute) return errno = EAGAIN, -1;
  if (far && fd == ends[0]) return send(fd, bytes, length, MSG_NOSIGNAL);
  if (far) return turns++ < LATE ? (errno = EAGAIN, -1) : take(bytes, length);
  if (fd == ends[0]) return to_client(bytes, length);
  return deaf ? (errno = EPIPE, -1) : (ssize_t)length;
}

#include "system/os.h"
#define write played_write
#define realloc watched_realloc
#include "remote/relay.c"

int64_t os_steady_ms(void) { return 0; }

static void hears_nothing(const uint8_t *bytes, size_t length) { (void)bytes, (void)length; }
static void is_silent(bool silent) { (void)silent; }

// What the records have that were passed on.
static size_t payloads(void) {
  size_t count = 0;
  for (size_t at = 0, length; at + FRAME_HEADER <= taken; at += FRAME_HEADER + length) {
    length = get_u32(heard + at);
    if (heard[at + 4] == DATA) count += length;
  }
  return count;
}

static int far_side(int file) {
  static uint8_t bytes[16 << 10];
  size_t said = 0;
  for (ssize_t count; (count = send(ends[1], bytes, sizeof bytes, MSG_DONTWAIT)) > 0;) said += (size_t)count;
  close(ends[1]);
  for (ssize_t count; (count = read(file, bytes, sizeof bytes)) > 0;)
    if (send(carrier[1], bytes, (size_t)count, 0) < 0) return 1;
  const struct relay relay = {.socket = ends[0], .in = carrier[0], .out = carrier[0], .errors = -1};
  os_set_own(carrier[0]);
  os_set_own(ends[0]);
  relay_run(&relay);
  printf("%zu\n", said - payloads());
  return 0;
}

int main(int count, char **words) {
  int file = count < 2 ? -1 : open(words[1], O_RDONLY);
  if (file < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, carrier) < 0) return 1;
  deaf = count > 2 && !strcmp(words[2], "deaf");
  far = count > 2 && !strcmp(words[2], "far");
  mute = count > 2 && !strcmp(words[2], "mute");
  if (far) return far_side(file);
  if (deaf && send(ends[1], "x", 1, 0) < 0) return 1;
  const struct relay relay = {.socket = ends[0], .in = file, .out = carrier[0], .asks = count < 4,
                              .errors = -1, .said = hears_nothing, .silent = is_silent, .greeted = hears_nothing};
  relay_run(&relay);
  printf("%zu\n", mute ? largest : taken);
  return 0;
}
