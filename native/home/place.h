// Whose server is asked: the host's, or that of a batch job.
#ifndef FALCON_PLACE_H
#define FALCON_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "home/home.h"
#include "home/job.h"

struct place {
  char home[HOME_LONGEST + 1];  // of the server that is asked
  char host[HOME_LONGEST + 1];  // the host's
  struct job job;               // whose home it is; without a name: the host's own
  // A server is born in its starter's control group: one that was started outside of its job would outlive
  // it, and one of the host's that was started inside of a job would die with that.
  bool may_start;
};

// The place of this process; or, with `order`, the home of that job ("s4711"), or the host's ("-"). Writes
// one sentence to `problem` and returns false where there is none, its folder must not be used, or it is
// another machine's (machine.h).
bool place_find(const char *order, struct place *found, char *problem, size_t room);

#endif
