// full-relay FILE [deaf]: the client's side of the channel (native/remote/relay.c) with FILE as all that the
// carrier brings, and a socket that takes nothing until 1 MiB waits for it, then one byte, then everything.
// "deaf": the socket takes all at once, and the carrier nothing any more of what the client says. Prints how
// many bytes the socket took.
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2], turns;
static bool deaf;
static size_t taken;

static ssize_t played_write(int fd, const void *bytes, size_t length) {
  if (fd != ends[0]) return deaf ? (errno = EPIPE, -1) : write(fd, bytes, length);
  if (deaf) turns = 3;
  if (turns == 0 && length < 1 << 20) return errno = EAGAIN, -1;
  turns++;
  if (turns == 2) return errno = EAGAIN, -1;
  size_t count = turns == 1 ? 1 : length;
  taken += count;
  return (ssize_t)count;
}

#include "system/os.h"
#define write played_write
#include "remote/relay.c"

int64_t os_steady_ms(void) { return 0; }

static void hears_nothing(const uint8_t *bytes, size_t length) { (void)bytes, (void)length; }
static void is_silent(bool silent) { (void)silent; }

int main(int count, char **words) {
  if (count < 2 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0) return 1;
  deaf = count > 2;
  if (deaf && send(ends[1], "x", 1, 0) < 0) return 1;
  const struct relay relay = {.socket = ends[0], .in = open(words[1], O_RDONLY), .out = open("/dev/null", O_WRONLY), .asks = true,
                              .errors = -1, .said = hears_nothing, .silent = is_silent, .greeted = hears_nothing};
  relay_run(&relay);
  printf("%zu\n", taken);
  return 0;
}
