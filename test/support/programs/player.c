/*
 * Plays a recorded output stream in two parts: player FILE CUT FIFO writes the first CUT bytes to its
 * terminal, waits until the FIFO is opened
 * for writing, writes the rest, waits once more, ends. The terminal is raw, so that the bytes come out as
 * they are.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static void await_turn(const char *fifo) {
  char byte;
  int fd = open(fifo, O_RDONLY);
  if (fd < 0) exit(3);
  while (read(fd, &byte, 1) > 0) continue;
  close(fd);
}

static void put(const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t n = write(1, bytes, length);
    if (n <= 0) exit(4);
    bytes += n, length -= (size_t)n;
  }
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int fd = open(argv[1], O_RDONLY);
  struct stat facts;
  if (fd < 0 || fstat(fd, &facts) < 0) return 2;
  size_t length = (size_t)facts.st_size, cut = (size_t)atol(argv[2]);
  char *bytes = malloc(length + 1);
  if (bytes == NULL || read(fd, bytes, length) != (ssize_t)length || cut > length) return 2;
  struct termios mode;
  if (tcgetattr(1, &mode) == 0) {
    cfmakeraw(&mode);
    tcsetattr(1, TCSANOW, &mode);
  }
  put(bytes, cut);
  await_turn(argv[3]);
  put(bytes + cut, length - cut);
  await_turn(argv[3]);
  return 0;
}
