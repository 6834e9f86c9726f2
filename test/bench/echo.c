/*
 * Answers each key by writing it; with --flood it writes log text between the keys as fast as the terminal
 * takes it, in a scroll
 * region, and shows the key in the cell below, so that a screen that skips what scrolled away still has it.
 * Shows `echo waits`.
 */
#include "drive.h"

int main(int argc, char **argv) {
  int flood = argc > 1 && strcmp(argv[1], "--flood") == 0;
  struct termios mode;
  tcgetattr(0, &mode);
  cfmakeraw(&mode);
  tcsetattr(0, TCSANOW, &mode);
  if (!flood) {
    if (write(1, "echo waits\r\n", 12) != 12) return 1;
    char key;
    while (read(0, &key, 1) == 1)
      if (write(1, &key, 1) != 1) return 1;
    return 0;
  }
  static char text[1 << 14];
  size_t used = 0;
  for (unsigned n = 0; used < sizeof text - 256; n++)
    used += (size_t)sprintf(text + used, "2026-02-06T08:01:46 [INFO] node0: Epoch %u/300 | loss=-2.91142, lr=0.00100, buffer swapped\r\n", n % 300);
  static const char first[] = "\x1b[2J\x1b[1;49r\x1b[50;1Hecho waits\x1b[1;1H";
  if (write(1, first, sizeof first - 1) < 0) return 1;
  fcntl(1, F_SETFL, O_NONBLOCK);
  size_t at = 0;
  for (;;) {
    struct pollfd both[2] = {{.fd = 0, .events = POLLIN}, {.fd = 1, .events = POLLOUT}};
    if (poll(both, 2, -1) < 0) return 1;
    if (both[0].revents) {
      char key;
      if (read(0, &key, 1) != 1) return 0;
      /* The rest of the line first, then the key in its own cell. */
      char out[512];
      size_t end = at;
      while (end < used && text[end++] != '\n') {
      }
      int size = sprintf(out, "%.*s\x1b\x37\x1b[50;40H%c\x1b\x38", (int)(end - at), text + at, key);
      at = end < used ? end : 0;
      for (int done = 0; done < size;) {
        ssize_t n = write(1, out + done, (size_t)(size - done));
        if (n > 0) done += (int)n;
        else if (errno == EAGAIN) poll(&both[1], 1, -1);
        else return 1;
      }
    } else if (both[1].revents & POLLOUT) {
      /* Small writes, as a program's log lines are: a long one would only measure the queue of the pty. */
      size_t n = used - at < 1024 ? used - at : 1024;
      ssize_t taken = write(1, text + at, n);
      if (taken > 0) at = (at + (size_t)taken) % used;
      else if (taken < 0 && errno != EAGAIN) return 1;
    }
    if ((both[0].revents | both[1].revents) & (POLLHUP | POLLERR)) return 0;
  }
}
