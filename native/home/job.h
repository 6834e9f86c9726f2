// Which batch job a process is in (docs/design/batch.md).
#ifndef FALCON_JOB_H
#define FALCON_JOB_H

#include <stdbool.h>
#include <sys/types.h>

enum {
  // The longest name of a job: a letter for the batch system, the number, the step.
  JOB_LONGEST = 24,
};

struct job {
  // "s4711", "s4711.0" (a step of its own), "p123", "l9", "fABC"; characters of [A-Za-z0-9._-].
  char name[JOB_LONGEST + 1];
  // Where no control group holds the job's processes: the process of the batch system that started them, and
  // whose end is the job's. Else 0.
  pid_t keeper;
};

// The job whose control groups /proc/PID/cgroup has this text (which is cut to pieces); false where it is
// none.
bool job_of_text(char *text, char name[JOB_LONGEST + 1]);

// The job that this process is in: by its control group, else on the word of the variables where a process of
// the batch system is among our ancestors, or a holder of one of the job's sessions.
bool job_of_caller(struct job *job);

// True for what can be the name of a job.
bool job_is_name(const char *name);

#endif
