// Recognises a batch job by control groups, and confirms what variables say by ancestors. Variables alone
// prove nothing: salloc sets them on a login node, a tmux keeps them after its job, and an ssh into a job
// (pam_slurm_adopt) lacks them.
#include "home/job.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/text.h"

enum {
  // All lines of /proc/PID/cgroup: some fifteen hierarchies with paths of a few hundred bytes.
  CGROUPS_LONGEST = 16384,
  // Parts of one path that are looked at; systemd nests about ten.
  PARTS_MOST = 32,
  // Ancestors that are looked at: shells in shells in a job's script.
  ANCESTORS_MOST = 64,
  // The highest number of a step that Slurm gives; above are names of its own (batch, extern, interactive).
  STEP_HIGHEST = 999999999,
};

// Writes letter and number, everything that has no place in a folder's name as '-'. False where nothing is
// left.
static bool name_of(char letter, const char *number, size_t length, char name[JOB_LONGEST + 1]) {
  size_t at = 0;
  name[at++] = letter;
  for (size_t i = 0; i < length && at < JOB_LONGEST; i++) {
    char c = number[i];
    name[at++] = isalnum((unsigned char)c) || c == '_' || c == '.' ? c : '-';
  }
  while (at > 1 && (name[at - 1] == '-' || name[at - 1] == '.')) at--;
  name[at] = 0;
  return at > 1;
}

bool job_is_name(const char *name) {
  size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
  return length >= 2 && length <= JOB_LONGEST && name[length] == 0 && strchr("splf", name[0]);
}

static size_t digits(const char *text) { return strspn(text, "0123456789"); }

static bool starts(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static bool ends(const char *text, const char *with) {
  size_t length = strlen(text), tail = strlen(with);
  return length >= tail && strcmp(text + length - tail, with) == 0;
}

// A step of its own (srun) ends before the job does, and its processes with it. The script, an ssh and
// salloc's shell last as long as the job.
static bool slurm_name(const char *number, const char *step, char name[JOB_LONGEST + 1]) {
  char both[64];
  size_t length = digits(number), own = digits(step);
  bool numbered = own > 0 && own < 10 && (step[own] == 0 || step[own] == ']' || step[own] == '.') && atol(step) <= STEP_HIGHEST;
  int written = numbered ? snprintf(both, sizeof both, "%.*s.%.*s", (int)length, number, (int)own, step)
                         : snprintf(both, sizeof both, "%.*s", (int)length, number);
  return length > 0 && written > 0 && written < (int)sizeof both && name_of('s', both, (size_t)written, name);
}

// The job of one path of control groups, as its parts:
//   Slurm, v1   slurm[_NODE]/uid_1000/job_4711/step_0/...          proctrack/cgroup, src/plugins/cgroup/v1
//   Slurm, v2   .../[NODE_]slurmstepd.scope/job_4711/step_0/...    src/plugins/cgroup/v2
//   PBS         pbs*.service/jobid/123.server/...                  the hook pbs_cgroups, without systemd
//               pbs*.slice/pbs*-123.server.slice/...               with it
//   LSF         lsf/CLUSTER/job.123.4567/...
//   Flux        imp-shell-0-fABC.service                           units of sdexec
static bool job_of_parts(char **parts, size_t count, char name[JOB_LONGEST + 1]) {
  for (size_t i = 0; i < count; i++) {
    const char *part = parts[i], *next = i + 1 < count ? parts[i + 1] : "", *third = i + 2 < count ? parts[i + 2] : "";
    const char *fourth = i + 3 < count ? parts[i + 3] : "";
    bool v1 = (!strcmp(part, "slurm") || starts(part, "slurm_")) && starts(next, "uid_") && starts(third, "job_");
    if (v1 && slurm_name(third + 4, starts(fourth, "step_") ? fourth + 5 : "", name)) return true;
    if (ends(part, "slurmstepd.scope") && starts(next, "job_") &&
        slurm_name(next + 4, starts(third, "step_") ? third + 5 : "", name))
      return true;
    if (starts(part, "pbs") && !strcmp(next, "jobid") && digits(third) > 0 &&
        name_of('p', third, strcspn(third, "."), name))
      return true;
    const char *dash = strrchr(part, '-');
    if (i > 0 && starts(parts[i - 1], "pbs") && starts(part, "pbs") && ends(part, ".slice") && dash && digits(dash + 1) > 0 &&
        name_of('p', dash + 1, strcspn(dash + 1, ".\\"), name))
      return true;
    if (!strcmp(part, "lsf") && starts(third, "job.") && name_of('l', third + 4, digits(third + 4), name)) return true;
    const char *shell = starts(part, "imp-shell-") ? part + 10 : starts(part, "shell-") ? part + 6 : NULL;
    if (shell && ends(part, ".service") && digits(shell) > 0 && starts(shell + digits(shell), "-f")) {
      const char *id = shell + digits(shell) + 2;
      if (name_of('f', id, strcspn(id, "."), name)) return true;
    }
  }
  return false;
}

bool job_of_text(char *text, char name[JOB_LONGEST + 1]) {
  // "4:memory:/slurm/uid_0/job_1", in cgroup v2 "0::/system.slice/..."
  for (char *next = text, *line; (line = strsep(&next, "\n"));) {
    char *slash = strchr(line, '/');
    if (!slash) continue;
    char *parts[PARTS_MOST], *rest = slash + 1;
    size_t count = 0;
    for (char *part; count < PARTS_MOST && (part = strsep(&rest, "/"));)
      if (*part) parts[count++] = part;
    if (job_of_parts(parts, count, name)) return true;
  }
  return false;
}

// One process: its parent, the name of its program, its arguments (a NUL after each). False where it is gone.
static bool look_at(pid_t pid, pid_t *parent, char program[64], char *arguments, size_t room) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  if (read_text(path, text, sizeof text) <= 0) return false;
  char *open = strchr(text, '('), *close = strrchr(text, ')');
  if (!open || !close || close < open) return false;
  snprintf(program, 64, "%.*s", (int)(close - open - 1), open + 1);
  if (sscanf(close + 1, " %*c %d", parent) != 1) return false;
  snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
  return read_text(path, arguments, room) >= 0;
}

// "holder HOME/j/s4711/s/abc123 -- ..." runs what is in the job.
static bool job_of_holder(const char *arguments, size_t room, char name[JOB_LONGEST + 1]) {
  const char *folder = arguments + strlen(arguments) + 1;
  if (folder >= arguments + room) return false;
  const char *at = strstr(folder, "/j/");
  if (!at) return false;
  size_t length = strcspn(at + 3, "/");
  if (length > JOB_LONGEST || !starts(at + 3 + length, "/s/")) return false;
  snprintf(name, JOB_LONGEST + 1, "%.*s", (int)length, at + 3);
  return job_is_name(name);
}

// The batch systems: what they call the job, and their process on the node, whose children are the job's.
static const struct system {
  char letter;
  const char *variable;
  const char *programs[3];
} systems[] = {
    {'s', "SLURM_JOB_ID", {"slurmstepd"}},
    {'p', "PBS_JOBID", {"pbs_mom"}},
    {'l', "LSB_JOBID", {"res", "sbatchd"}},
    {'f', "FLUX_JOB_ID", {"flux-shell", "flux-imp"}},
};

// On the word of a variable: the number as the batch system's own process has it in its arguments
// ("slurmstepd: [4711.0]"), else the variable's.
static bool job_of_word(const struct system *system, const char *word, const char *arguments, char name[JOB_LONGEST + 1]) {
  const char *told = system->letter == 's' ? strchr(arguments, '[') : NULL;
  if (told && digits(told + 1) > 0) {
    const char *step = told + 1 + digits(told + 1);
    return slurm_name(told + 1, *step == '.' ? step + 1 : "", name);
  }
  // Flux writes its ids with a florin sign (UTF-8), or with a plain f
  if (system->letter == 'f') word += starts(word, "\xc6\x92") ? 2 : *word == 'f';
  return name_of(system->letter, word, strcspn(word, "."), name);
}

bool job_of_caller(struct job *job) {
  char groups[CGROUPS_LONGEST];
  job->keeper = 0;
  if (read_text("/proc/self/cgroup", groups, sizeof groups) > 0 && job_of_text(groups, job->name)) return true;
  bool any = getenv("FALCON_SESSION") != NULL;
  for (size_t i = 0; i < sizeof systems / sizeof *systems; i++) any = any || getenv(systems[i].variable);
  if (!any) return false;
  char program[64], arguments[4096];
  pid_t pid = getppid(), parent;
  for (int i = 0; i < ANCESTORS_MOST && pid > 1; i++, pid = parent) {
    memset(arguments, 0, sizeof arguments);
    if (!look_at(pid, &parent, program, arguments, sizeof arguments)) return false;
    if (!strcmp(program, "holder") && job_of_holder(arguments, sizeof arguments, job->name)) return true;
    for (size_t s = 0; s < sizeof systems / sizeof *systems; s++) {
      const char *word = getenv(systems[s].variable);
      if (!word || !*word) continue;
      for (size_t p = 0; p < 3 && systems[s].programs[p]; p++) {
        if (strcmp(program, systems[s].programs[p]) || !job_of_word(&systems[s], word, arguments, job->name)) continue;
        job->keeper = pid;
        return true;
      }
    }
  }
  return false;
}
