// For LD_PRELOAD: the steady clock of the native part is as many milliseconds as it is told (told-number.h),
// and stands in between. What waits for something with a limit stops waiting when either clock says so: where
// nothing ever comes it is still seen that there is a limit.
#define _GNU_SOURCE
#include "told-number.h"
#include <poll.h>

// How often a limit is held against what was told, in ms.
#define LOOK_MS 10

int clock_gettime(clockid_t clock, struct timespec *t) {
  int result = real_clock(clock, t);
  if (clock != CLOCK_BOOTTIME || result < 0) return result;
  long ms = told_number();
  t->tv_sec = 1000 + ms / 1000;
  t->tv_nsec = ms % 1000 * 1000000;
  return 0;
}

int poll(struct pollfd *slots, nfds_t count, int ms) {
  static int (*real)(struct pollfd *, nfds_t, int);
  if (!real) real = (int (*)(struct pollfd *, nfds_t, int))dlsym(RTLD_NEXT, "poll");
  long began = told_number();
  while (ms > LOOK_MS) {
    int ready = real(slots, count, LOOK_MS);
    if (ready != 0 || told_number() - began >= ms) return ready;
    ms -= LOOK_MS;
  }
  return real(slots, count, ms);
}
