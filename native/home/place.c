// See place.h. A client inside a job has its own server in the job's home; any other client that is sent
// there only looks for one.
#include "home/place.h"

#include <stdio.h>
#include <string.h>

#include "home/machine.h"

static bool find(const char *order, struct place *found, char *problem, size_t room) {
  bool in_job = job_of_caller(&found->job);
  if (!in_job) memset(&found->job, 0, sizeof found->job);
  if (!home_find(found->host, problem, room)) return false;
  if (order && !(in_job && !strcmp(order, found->job.name))) {
    found->may_start = !in_job && !strcmp(order, "-");
    found->job.keeper = 0;
    if (!strcmp(order, "-")) {
      found->job.name[0] = 0;
      memcpy(found->home, found->host, sizeof found->home);
      return true;
    }
    if (!job_is_name(order)) {
      snprintf(problem, room, "'%.64s' is no name of a job", order);
      return false;
    }
    snprintf(found->job.name, sizeof found->job.name, "%s", order);
    return home_of_job(found->host, order, false, found->home, problem, room);
  }
  found->may_start = true;
  if (in_job) return home_of_job(found->host, found->job.name, true, found->home, problem, room);
  memcpy(found->home, found->host, sizeof found->home);
  return true;
}

bool place_find(const char *order, struct place *found, char *problem, size_t room) {
  struct machine self, owner;
  if (!find(order, found, problem, room)) return false;
  machine_self(&self);
  return machine_of_home(found->home, &self, &owner, problem, room) != MACHINE_ANOTHER;
}
