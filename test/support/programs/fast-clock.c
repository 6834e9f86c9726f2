// For LD_PRELOAD: the steady clock runs a thousand times as fast, and waiting takes a thousandth, so that a
// limit of half a minute is reached at once.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <poll.h>
#include <stddef.h>
#include <time.h>

enum { FASTER = 1000 };

int clock_gettime(clockid_t clock, struct timespec *t) {
  static int (*real)(clockid_t, struct timespec *);
  static struct timespec began;
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  if (clock != CLOCK_BOOTTIME && clock != CLOCK_MONOTONIC) return real(clock, t);
  if (began.tv_sec == 0) real(CLOCK_BOOTTIME, &began);
  int result = real(CLOCK_BOOTTIME, t);
  long long passed = ((long long)(t->tv_sec - began.tv_sec) * 1000000000 + (t->tv_nsec - began.tv_nsec)) * FASTER;
  t->tv_sec = began.tv_sec + (time_t)(passed / 1000000000);
  t->tv_nsec = (long)(passed % 1000000000);
  return result;
}

int poll(struct pollfd *slots, nfds_t count, int ms) {
  static int (*real)(struct pollfd *, nfds_t, int);
  if (!real) real = (int (*)(struct pollfd *, nfds_t, int))dlsym(RTLD_NEXT, "poll");
  return real(slots, count, ms > 0 ? ms / FASTER + 1 : ms);
}

int main(void) { return 0; }
