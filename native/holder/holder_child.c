// Starts the session's program on the terminal, reaps it and sends it signals. Limits, umask and
// oom_score_adj are set in its process only.
#include "system/frame.h"
#include "holder/holder.h"
#include "system/os.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { LIMIT_SIZE = 4 + 8 + 8 };

// A hard limit above our own cannot be had without privilege: then the highest one that can.
static void set_limit(int resource, uint64_t soft, uint64_t hard) {
  struct rlimit wish = {(rlim_t)soft, (rlim_t)hard}, have;
  if (setrlimit(resource, &wish) == 0 || getrlimit(resource, &have) < 0) return;
  if (wish.rlim_max > have.rlim_max) wish.rlim_max = have.rlim_max;
  if (wish.rlim_cur > wish.rlim_max) wish.rlim_cur = wish.rlim_max;
  setrlimit(resource, &wish);
}

// Everything between fork and exec. Returns only when the program could not be started, with errno.
static void become_program(char **arguments, const struct orders *orders) {
  if (os_take_terminal(STDIN_FILENO) < 0) return;
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
#ifdef IUTF8
  // the line discipline has to know that a character may be several bytes, or erasing one in line mode leaves
  // half of it
  struct termios mode;
  if (tcgetattr(STDIN_FILENO, &mode) == 0) {
    mode.c_iflag |= IUTF8;
    tcsetattr(STDIN_FILENO, TCSANOW, &mode);
  }
#endif
  umask(orders->umask);
  os_raise_oom_score(orders->oom_score);
  for (size_t i = 0; i < orders->limit_count; i++) {
    const uint8_t *limit = orders->limits + i * LIMIT_SIZE;
    set_limit((int)get_u32(limit), get_u64(limit + 4), get_u64(limit + 12));
  }
  execvp(arguments[0], arguments);
}

static int digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

// In place; what is left behind its end is wiped, so that ps shows the words as the program has them.
static void decode(char *text) {
  char *to = text, *from = text;
  for (; *from; to++) {
    int high = *from == '%' ? digit(from[1]) : -1;
    int low = high < 0 ? -1 : digit(from[2]);
    *to = low < 0 ? *from : (char)(high << 4 | low);
    from += low < 0 ? 1 : 3;
  }
  memset(to, 0, (size_t)(from - to));
}

bool child_decode(char **words) {
  extern char **environ;
  for (char **at = words; *at; at++) decode(*at);
  for (char **at = environ; *at; at++) decode(*at);
  // the server could not say where we are to be: node-pty has set PWD to what it could
  if (chdir(words[0]) == 0 && setenv("PWD", words[0], 1) == 0) return true;
  fprintf(stderr, "holder: %s cannot be entered: %s\r\n", words[0], strerror(errno));
  return false;
}

static ssize_t read_whole(int fd, void *into, size_t length) {
  for (;;) {
    ssize_t got = read(fd, into, length);
    if (got >= 0 || errno != EINTR) return got;
  }
}

int child_launch(char **arguments, const struct orders *orders, pid_t *pid, void (*before_exec)(pid_t pid)) {
  // Ours: one byte once the record names the program. The child's: the errno of a failed exec; its end closes
  // by itself when exec works.
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) return errno;
  fcntl(pair[0], F_SETFD, FD_CLOEXEC);
  fcntl(pair[1], F_SETFD, FD_CLOEXEC);
  os_give_up_terminal(STDIN_FILENO);
  *pid = fork();
  if (*pid < 0) {
    int error = errno;
    close(pair[0]);
    close(pair[1]);
    return error;
  }
  if (*pid == 0) {
    uint8_t go;
    close(pair[0]);
    // no program without a record: killed before this byte, the holder leaves nothing behind
    if (read_whole(pair[1], &go, 1) != 1) _exit(127);
    become_program(arguments, orders);
    int error = errno;
    if (write(pair[1], &error, sizeof error) < 0) _exit(126);
    _exit(127);
  }
  close(pair[1]);
  before_exec(*pid);
  int error = 0;
  ssize_t sent = write(pair[0], "", 1);
  if (sent == 1 && read_whole(pair[0], &error, sizeof error) != (ssize_t)sizeof error) error = 0;
  close(pair[0]);
  return error;
}

static uint64_t microseconds(struct timeval t) { return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_usec; }

bool child_reap(pid_t program, struct ending *ending) {
  bool ended = false;
  int status;
  struct rusage usage;
  for (pid_t pid; (pid = wait4(-1, &status, WNOHANG, &usage)) > 0;) {
    if (pid != program) continue;
    ended = true;
    ending->status = status;
    ending->user_us = microseconds(usage.ru_utime);
    ending->system_us = microseconds(usage.ru_stime);
#ifdef __APPLE__
    ending->peak_kib = (uint64_t)usage.ru_maxrss / 1024;
#else
    ending->peak_kib = (uint64_t)usage.ru_maxrss;
#endif
  }
  return ended;
}

// SIGKILL is repeated while there are new ones: a process may fork while the list is read.
static void signal_descendants(pid_t program, int number) {
  enum { ROOM = 8192, PASSES = 5 };
  static pid_t found[ROOM];
  const pid_t roots[] = {getpid(), program};
  for (int pass = 0; pass < PASSES; pass++) {
    size_t count = os_descendants(roots, program > 0 ? 2 : 1, program, found, ROOM), reached = 0;
    for (size_t i = 0; i < count; i++)
      if (found[i] != getpid() && kill(found[i], number) == 0) reached++;
    if (number != SIGKILL || reached == 0) return;
  }
}

void child_signal(pid_t program, int master, int number, int target) {
  if (number <= 0 || number >= NSIG) return;
  if (target == TARGET_PROGRAM && program > 0) {
    kill(program, number);
  } else if (target == TARGET_FOREGROUND && program > 0) {
    pid_t group = tcgetpgrp(master);
    if (group > 0) kill(-group, number);
  } else if (target == TARGET_DESCENDANTS) {
    signal_descendants(program, number);
  }
}
