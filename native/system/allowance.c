// See allowance.h.
#include "system/allowance.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/os.h"

enum { LEAST_NICE = -20, MOST_NICE = 19, LEAST_OOM = -1000, MOST_OOM = 1000 };

// Two stay as they are. A core dump of the server would hold its users' environments. Threads' stacks are
// made as large as the soft limit says, and a server of many threads needs none that are larger than usual.
static void widen_limit(int resource) {
  enum { USUAL_STACK = 8 << 20 };
  struct rlimit limit;
  if (resource == RLIMIT_CORE || getrlimit(resource, &limit) < 0) return;
  rlim_t wish = limit.rlim_max;
  if (resource == RLIMIT_STACK) {
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= USUAL_STACK) return;
    if (wish == RLIM_INFINITY || wish > USUAL_STACK) wish = USUAL_STACK;
  }
  if (limit.rlim_cur == wish) return;
  limit.rlim_cur = wish;
  setrlimit(resource, &limit);
}

void allowance_widen(void) {
  uint8_t all[OS_PROCESSORS_ROOM];
  int score;
  for (int resource = 0; resource < (int)RLIM_NLIMITS; resource++) widen_limit(resource);
  // refused without a privilege, unless RLIMIT_NICE allows it
  if (getpriority(PRIO_PROCESS, 0) > 0) setpriority(PRIO_PROCESS, 0, 0);
  memset(all, 0xff, sizeof all);
  os_use_processors(all, sizeof all);
  // one that the user raised goes down again; one that root has set (a batch system, systemd) does not
  if (os_oom_score(&score) && score > 0) os_set_oom_score(0);
}

bool allowance_room(int count) {
  pid_t children[count];
  int held[2], started = 0;
  // without a descriptor nothing is known, and whoever starts something is told by the kernel
  if (pipe(held) < 0) return true;
  while (started < count && (children[started] = fork()) >= 0) {
    char none;
    if (children[started++] > 0) continue;
    close(held[1]);
    // until all are there
    if (read(held[0], &none, 1) < 0) _exit(1);
    _exit(0);
  }
  close(held[1]);
  close(held[0]);
  for (int i = 0; i < started; i++) waitpid(children[i], NULL, 0);
  return started == count;
}

bool allowance_take(const char *text) {
  uint8_t mask[OS_PROCESSORS_ROOM];
  int niceness, score, at = 0;
  unsigned byte;
  size_t length = 0;
  if (sscanf(text, "%d,%d,%n", &niceness, &score, &at) != 2 || at == 0) return false;
  if (niceness < LEAST_NICE || niceness > MOST_NICE || score < LEAST_OOM || score > MOST_OOM) return false;
  for (; text[at]; at += 2) {
    if (length == sizeof mask || sscanf(text + at, "%2x", &byte) != 1 || !text[at + 1]) return false;
    mask[length++] = (uint8_t)byte;
  }
  setpriority(PRIO_PROCESS, 0, niceness);
  os_set_oom_score(score);
  if (length > 0) os_use_processors(mask, length);
  return true;
}
