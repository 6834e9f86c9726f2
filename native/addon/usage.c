// See usage.h. Linux: /proc. Elsewhere nothing is known.
//
// A machine with many processors has thousands of kernel threads. A process that was found to descend from no
// root stays foreign for as long as it lives, so that it is not read again: only the names in /proc are. Each
// FORGET samples, and with another set of roots, all are read anew, since numbers of processes come again.
#include "addon/usage.h"

#ifdef __linux__
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FORGET 12
// /proc/PID/status has about 1,500 bytes, /proc/PID/stat 400.
#define TEXT_LONGEST 4096
// Deeper than this no tree of processes is; a ring (a number that came again while we read) ends there.
#define DEEPEST 10000

struct process {
  int pid, parent, owner;  // owner: index of the tree, NOBODY, or not looked for yet
  char state;
  char name[16];
  double ticks, reaped;
};
enum { UNKNOWN = -2, NOBODY = -1 };

static int *foreign, *foreign_roots;
static size_t foreign_count, foreign_root_count;
static int foreign_age;

static ssize_t read_text(int proc, int pid, const char *name, char *text, size_t room) {
  char path[64];
  snprintf(path, sizeof path, "%d/%s", pid, name);
  int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t got = read(fd, text, room - 1);
  close(fd);
  if (got >= 0) text[got] = 0;
  return got;
}

static bool read_stat(int proc, int pid, struct process *out) {
  char text[TEXT_LONGEST];
  if (read_text(proc, pid, "stat", text, sizeof text) <= 0) return false;
  // the name may hold spaces and parentheses itself
  char *open = strchr(text, '('), *close = strrchr(text, ')');
  if (open == NULL || close == NULL || close < open) return false;
  unsigned long long user, system;
  long long reaped_user, reaped_system;
  *out = (struct process){.pid = pid, .owner = UNKNOWN};
  size_t length = (size_t)(close - open - 1);
  if (length >= sizeof out->name) length = sizeof out->name - 1;
  memcpy(out->name, open + 1, length);
  if (sscanf(close + 2, "%c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %lld %lld", &out->state, &out->parent,
             &user, &system, &reaped_user, &reaped_system) != 6)
    return false;
  out->ticks = (double)(user + system);
  out->reaped = (double)(reaped_user + reaped_system);
  return true;
}

// "RssAnon:      1234 kB" of /proc/PID/status, in bytes; 0 where it is not there (a zombie has none).
static double kilobytes(const char *text, const char *label) {
  const char *line = strstr(text, label);
  return line == NULL ? 0 : strtod(line + strlen(label), NULL) * 1024;
}

static int by_number(const void *a, const void *b) {
  return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static int by_pid(const void *a, const void *b) {
  return by_number(&((const struct process *)a)->pid, &((const struct process *)b)->pid);
}

static struct process *find(struct process *all, size_t count, int pid) {
  struct process wanted = {.pid = pid};
  return bsearch(&wanted, all, count, sizeof *all, by_pid);
}

// The tree that a process is in: its own, or its parent's.
static int owner_of(struct process *all, size_t count, struct process *one, int depth) {
  if (one->owner != UNKNOWN) return one->owner;
  struct process *parent = depth > DEEPEST ? NULL : find(all, count, one->parent);
  return one->owner = parent == NULL || parent == one ? NOBODY : owner_of(all, count, parent, depth + 1);
}

static bool has_gpu_open(int proc, int pid) {
  char path[64], target[64];
  snprintf(path, sizeof path, "%d/fd", pid);
  int fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *folder = fd < 0 ? NULL : fdopendir(fd);
  if (folder == NULL) {
    if (fd >= 0) close(fd);
    return false;
  }
  bool found = false;
  for (struct dirent *entry; !found && (entry = readdir(folder)) != NULL;) {
    ssize_t length = readlinkat(fd, entry->d_name, target, sizeof target - 1);
    if (length <= 0) continue;
    target[length] = 0;
    // NVIDIA's driver, natively and within Windows
    found = (strncmp(target, "/dev/nvidia", 11) == 0 && target[11] >= '0' && target[11] <= '9') ||
            strcmp(target, "/dev/dxg") == 0;
  }
  closedir(folder);
  return found;
}

static void add_actor(struct usage_tree *tree, int proc, const struct process *one, double memory) {
  char text[TITLE_LONGEST];
  // a process that waits for a device may hold what guards its own memory, and reading its arguments would
  // wait with it
  if (strncmp(one->name, "ray::", 5) != 0 || one->state == 'D') return;
  if (read_text(proc, one->pid, "cmdline", text, sizeof text) <= 0) return;
  struct usage_actor *grown = realloc(tree->actors, (tree->actor_count + 1) * sizeof *grown);
  if (grown == NULL) return;
  tree->actors = grown;
  struct usage_actor *actor = &tree->actors[tree->actor_count++];
  actor->memory = memory;
  snprintf(actor->title, sizeof actor->title, "%s", text);
}

static void add(struct usage_tree *tree, int proc, const struct process *one, double tick, bool look_for_gpu) {
  char text[TEXT_LONGEST];
  bool root = one->pid == tree->root;
  if (root) tree->known = true;
  tree->cpu += ((root ? 0 : one->ticks) + one->reaped) / tick;
  const char *written = read_text(proc, one->pid, "io", text, sizeof text) > 0 ? strstr(text, "\nwrite_bytes:") : NULL;
  if (written != NULL) tree->written += strtod(written + strlen("\nwrite_bytes:"), NULL);
  if (root || one->state == 'Z') return;
  int *grown = realloc(tree->pids, (size_t)(tree->count + 1) * sizeof *grown);
  if (grown == NULL) return;
  tree->pids = grown;
  tree->pids[tree->count++] = one->pid;
  if (read_text(proc, one->pid, "status", text, sizeof text) > 0) {
    double anonymous = kilobytes(text, "\nRssAnon:"), shared = kilobytes(text, "\nRssShmem:");
    tree->anonymous += anonymous;
    if (shared > tree->shared) tree->shared = shared;
    add_actor(tree, proc, one, anonymous);
  }
  if (look_for_gpu && !tree->gpu) tree->gpu = has_gpu_open(proc, one->pid);
}

// Forgets who is foreign where that may be wrong.
static void refresh_foreign(const struct usage_tree *trees, size_t count) {
  bool same = count == foreign_root_count;
  for (size_t i = 0; same && i < count; i++) same = foreign_roots[i] == trees[i].root;
  if (same && ++foreign_age < FORGET) return;
  foreign_age = 0;
  foreign_count = 0;
  int *roots = realloc(foreign_roots, (count > 0 ? count : 1) * sizeof *roots);
  foreign_root_count = 0;
  if (roots == NULL) return;
  foreign_roots = roots;
  foreign_root_count = count;
  for (size_t i = 0; i < count; i++) roots[i] = trees[i].root;
}

static void keep_foreign(struct process *all, size_t count, const int *passed, size_t passed_count) {
  int *kept = malloc((count + passed_count + 1) * sizeof *kept);
  size_t n = 0;
  if (kept != NULL) {
    memcpy(kept, passed, passed_count * sizeof *kept);
    n = passed_count;
    for (size_t i = 0; i < count; i++)
      if (all[i].owner == NOBODY) kept[n++] = all[i].pid;
    qsort(kept, n, sizeof *kept, by_number);
  }
  free(foreign);
  foreign = kept;
  foreign_count = n;
}

bool usage_sample(struct usage_tree *trees, size_t count, bool look_for_gpu) {
  DIR *folder = opendir("/proc");
  if (folder == NULL) return false;
  int proc = dirfd(folder);
  size_t found = 0, room = 0, passed_count = 0, passed_room = 0;
  struct process *all = NULL;
  int *passed = NULL;
  bool whole = true;
  refresh_foreign(trees, count);
  for (struct dirent *entry; whole && (entry = readdir(folder)) != NULL;) {
    char *end;
    long pid = strtol(entry->d_name, &end, 10);
    if (*end != 0 || pid <= 0) continue;
    int number = (int)pid;
    if (foreign_count > 0 && bsearch(&number, foreign, foreign_count, sizeof *foreign, by_number) != NULL) {
      if (passed_count == passed_room) {
        int *grown = realloc(passed, (passed_room = passed_room * 2 + 256) * sizeof *grown);
        if (grown == NULL) whole = false;
        else passed = grown;
      }
      if (whole) passed[passed_count++] = number;
      continue;
    }
    if (found == room) {
      struct process *grown = realloc(all, (room = room * 2 + 256) * sizeof *grown);
      if (grown == NULL) whole = false;
      else all = grown;
    }
    if (whole && read_stat(proc, number, &all[found])) found++;
  }
  if (whole && found > 0) {
    double tick = (double)sysconf(_SC_CLK_TCK);
    qsort(all, found, sizeof *all, by_pid);
    for (size_t i = 0; i < count; i++) {
      struct process *root = find(all, found, trees[i].root);
      if (root != NULL) root->owner = (int)i;
    }
    for (size_t i = 0; i < found; i++) {
      int owner = owner_of(all, found, &all[i], 0);
      if (owner >= 0) add(&trees[owner], proc, &all[i], tick, look_for_gpu);
    }
    keep_foreign(all, found, passed, passed_count);
  }
  free(all);
  free(passed);
  closedir(folder);
  return whole;
}
#else
#include <stdlib.h>
bool usage_sample(struct usage_tree *trees, size_t count, bool look_for_gpu) {
  (void)trees, (void)count, (void)look_for_gpu;
  return false;
}
#endif

void usage_free(struct usage_tree *trees, size_t count) {
  for (size_t i = 0; i < count; i++) {
    free(trees[i].pids);
    free(trees[i].actors);
  }
}
