/* What the drivers share: the clock, a child in a pty, output lines for the bench that reads us. */
#ifndef DRIVE_H
#define DRIVE_H
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

// CLOCK_MONOTONIC in ns: the same clock in all processes, so that times of different programs can be
// compared.
static inline uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void die(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

/* Runs argv in a new pty of this size; answers the master, non-blocking where asked. */
static inline int run_in_pty(char **argv, int cols, int rows, pid_t *pid, int nonblocking) {
  struct winsize size = {.ws_col = (unsigned short)cols, .ws_row = (unsigned short)rows};
  int master;
  *pid = forkpty(&master, NULL, NULL, &size);
  if (*pid < 0) die("forkpty");
  if (*pid == 0) {
    execvp(argv[0], argv);
    perror(argv[0]);
    _exit(127);
  }
  fcntl(master, F_SETFD, FD_CLOEXEC);
  if (nonblocking) fcntl(master, F_SETFL, O_NONBLOCK);
  return master;
}

/* Reads "COLSxROWS". */
static inline void parse_size(const char *text, int *cols, int *rows) {
  if (sscanf(text, "%dx%d", cols, rows) != 2) {
    fprintf(stderr, "not a size: %s\n", text);
    exit(2);
  }
}
#endif
