// For LD_PRELOAD: the steady clock of the native part is as many milliseconds as it is told (told-number.h),
// and stands in between. Waiting takes as long as it does.
#define _GNU_SOURCE
#include "told-number.h"

int clock_gettime(clockid_t clock, struct timespec *t) {
  int result = real_clock(clock, t);
  if (clock != CLOCK_BOOTTIME || result < 0) return result;
  long ms = told_number();
  t->tv_sec = 1000 + ms / 1000;
  t->tv_nsec = ms % 1000 * 1000000;
  return 0;
}
