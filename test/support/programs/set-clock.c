// For LD_PRELOAD: the wall clock is as many seconds ahead (or behind) as it is told (told-number.h); that may
// change at any moment.
#define _GNU_SOURCE
#include <sys/time.h>

#include "told-number.h"

int clock_gettime(clockid_t clock, struct timespec *t) {
  int result = real_clock(clock, t);
  if (clock == CLOCK_REALTIME && result == 0) t->tv_sec += told_number();
  return result;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone) {
  struct timespec now;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &now) < 0) return -1;
  t->tv_sec = now.tv_sec;
  t->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *into) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) < 0) return -1;
  if (into) *into = now.tv_sec;
  return now.tv_sec;
}
