// See place.h. A client inside a job has its own server in the job's home; any other client that is sent
// there only looks for one.
#include "home/place.h"

#include <stdio.h>
#include <string.h>

#include "home/folder.h"
#include "home/machine.h"

static bool find(const char *order, struct place *found, char *problem, size_t room) {
  bool in_job = job_of_caller(&found->job), host = order && !strcmp(order, "-");
  bool own = !order || (in_job && !strcmp(order, found->job.name));
  if (!in_job) memset(&found->job, 0, sizeof found->job);
  if (!home_find(found->host, problem, room)) return false;
  found->may_start = own || (host && !in_job);
  if (!own) {
    if (!host && !job_is_name(order)) return folder_problem(problem, room, "'%.64s' is no name of a job", order);
    found->job.keeper = 0;
    snprintf(found->job.name, sizeof found->job.name, "%s", host ? "" : order);
  }
  if (*found->job.name) return home_of_job(found->host, found->job.name, own, found->home, problem, room);
  memcpy(found->home, found->host, sizeof found->home);
  return true;
}

bool place_find(const char *order, struct place *found, char *problem, size_t room) {
  struct machine self;
  if (!find(order, found, problem, room)) return false;
  machine_self(&self);
  return machine_of_home(found->home, &self, problem, room) != MACHINE_ANOTHER;
}
