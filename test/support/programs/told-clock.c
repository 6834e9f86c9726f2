// For LD_PRELOAD: the steady clock of the native part is as many milliseconds as the file that
// FALCON_TEST_CLOCK names says (0 where there is none), and stands in between. Waiting takes as long as it
// does.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long told(void) {
  char text[32] = "";
  const char *file = getenv("FALCON_TEST_CLOCK");
  int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return 0;
  if (read(fd, text, sizeof text - 1) < 0) text[0] = 0;
  close(fd);
  return atol(text);
}

int clock_gettime(clockid_t clock, struct timespec *t) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, t);
  if (clock != CLOCK_BOOTTIME || result < 0) return result;
  long ms = told();
  t->tv_sec = 1000 + ms / 1000;
  t->tv_nsec = ms % 1000 * 1000000;
  return 0;
}
