// See terminal.h. Nothing here changes the flags of the descriptors that we were given: their open files are
// shared with the shell, which a stray O_NONBLOCK would break.
#include "client/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "system/os.h"

enum {
  // How long a terminal that takes no bytes is waited for (stopped with Ctrl-S, a dead connection).
  PATIENCE_MS = 500,
  // What a pipe takes at once when it polls writable (PIPE_BUF), and a terminal that could not be opened
  // anew.
  PIPE_PIECE = 4096,
  TERMINAL_PIECE = 256,
};

static struct termios before;
static volatile sig_atomic_t raw;
static bool known;
static uint8_t *restore;
static volatile size_t restore_length;

static struct {
  int fd;
  bool waits;    // a write may wait, so poll and write little
  bool socket;
  size_t piece;
} outputs[3];

void terminal_size(uint16_t *cols, uint16_t *rows) {
  static const int fds[] = {1, 0, 2};
  struct winsize size;
  *cols = *rows = 0;
  for (size_t i = 0; i < 3; i++) {
    if (!os_isatty(fds[i]) || os_ioctl(fds[i], TIOCGWINSZ, &size) < 0) continue;
    *cols = size.ws_col;
    *rows = size.ws_row;
    return;
  }
}

bool terminal_raw(void) {
  if (!known && os_tcgetattr(0, &before) < 0) return false;
  known = true;
  struct termios mode = before;
  cfmakeraw(&mode);
  mode.c_cc[VMIN] = 1;
  mode.c_cc[VTIME] = 0;
  while (os_tcsetattr(0, TCSANOW, &mode) < 0)
    if (errno != EINTR) return false;
  raw = 1;
  return true;
}

// In the background the terminal is the shell's, whose modes are not ours to change.
static bool in_foreground(void) {
  return os_tcgetpgrp(0) == os_getpgrp();
}

void terminal_cooked(void) {
  if (!raw) return;
  raw = 0;
  sigset_t stop, old;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTTOU);
  os_sigprocmask(SIG_BLOCK, &stop, &old);
  if (in_foreground())
    while (os_tcsetattr(0, TCSANOW, &before) < 0 && errno == EINTR) {}
  os_sigprocmask(SIG_SETMASK, &old, NULL);
}

void terminal_keep_restore(const uint8_t *bytes, size_t length) {
  // a crash between these lines restores nothing, never half of something
  restore_length = 0;
  uint8_t *copy = length > 0 ? malloc(length) : NULL;
  if (copy) memcpy(copy, bytes, length);
  free(restore);
  restore = copy;
  restore_length = copy ? length : 0;
}

bool terminal_write(const uint8_t *bytes, size_t length) {
  int64_t end = os_steady_ms() + PATIENCE_MS;
  while (length > 0) {
    ssize_t count = output_write(1, bytes, length);
    if (count < 0) return false;
    bytes += count;
    length -= (size_t)count;
    int64_t left = end - os_steady_ms();
    if (count > 0) continue;
    struct pollfd slot = {output_fd(1), POLLOUT, 0};
    if (left <= 0 || (os_poll(&slot, 1, (int)left) < 0 && errno != EINTR)) return true;
  }
  return true;
}

void terminal_leave(bool torn) {
  static const uint8_t cancel = 0x18;
  size_t length = restore_length;
  restore_length = 0;
  if (length > 0 && (!os_isatty(0) || in_foreground())) {
    if (torn) terminal_write(&cancel, 1);
    terminal_write(restore, length);
  }
  // the bytes are kept for the case that we come back after a stop
  restore_length = length;
  terminal_cooked();
}

void terminal_crash(void) {
  if (restore_length > 0 && os_write(outputs[1].fd, restore, restore_length) < 0) {}
  if (raw) os_tcsetattr(0, TCSANOW, &before);
}

static void open_output(int stream) {
  struct stat status;
  outputs[stream].fd = stream;
  outputs[stream].piece = 1 << 16;
  if (os_fstat(stream, &status) < 0) return;
  bool terminal = os_isatty(stream);
  outputs[stream].socket = S_ISSOCK(status.st_mode);
  if (!terminal && !S_ISFIFO(status.st_mode)) return;
  // an open file of our own can be non-blocking without anybody else noticing
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", stream);
  int fd = os_open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0);
  const char *name = fd < 0 && terminal ? os_ttyname(stream) : NULL;
  if (name) fd = os_open(name, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0);
  if (fd >= 0) {
    outputs[stream].fd = fd;
    return;
  }
  outputs[stream].waits = true;
  outputs[stream].piece = terminal ? TERMINAL_PIECE : PIPE_PIECE;
}

void output_open(void) {
  open_output(1);
  open_output(2);
}

int output_fd(int stream) {
  return outputs[stream].fd;
}

ssize_t output_write(int stream, const uint8_t *bytes, size_t length) {
  int fd = outputs[stream].fd;
  if (length > outputs[stream].piece) length = outputs[stream].piece;
  if (outputs[stream].waits) {
    struct pollfd slot = {fd, POLLOUT, 0};
    if (os_poll(&slot, 1, 0) <= 0) return 0;
  }
  for (;;) {
    ssize_t count = outputs[stream].socket ? os_send(fd, bytes, length, MSG_DONTWAIT) : os_write(fd, bytes, length);
    if (count >= 0) return count;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) return -1;
  }
}
