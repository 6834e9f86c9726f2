// What process trees use, by the kernel's account: processor time, memory, bytes written, and whether they
// have a GPU open.
#ifndef FALCON_USAGE_H
#define FALCON_USAGE_H

#include <stdbool.h>
#include <stddef.h>

// A title (argv[0], as Ray and setproctitle write it) is kept so far.
#define TITLE_LONGEST 96

// One process of Ray's that has a title of its own.
struct usage_actor {
  char title[TITLE_LONGEST];
  double memory;
};

// One tree. Numbers count from the start of its processes and grow, but for memory and the counts.
struct usage_tree {
  int root;
  // The root could be read: without it, nothing else here means anything.
  bool known;
  bool gpu;
  int count;
  // Seconds of processor, of the living and of all that they have waited for.
  double cpu;
  // Bytes: private pages of all, and the largest shared memory that one of them maps.
  double anonymous, shared;
  // Bytes that were sent to storage.
  double written;
  int *pids;
  struct usage_actor *actors;
  size_t actor_count;
};

// Fills in `trees`, whose roots are set: all that descends from each root, which itself (a holder) counts
// only for what it has waited for.
// `look_for_gpu`: looks through open files, which costs as much as all else. Answers false where there is no
// /proc, or no memory.
// Not thread-safe.
bool usage_sample(struct usage_tree *trees, size_t count, bool look_for_gpu);
void usage_free(struct usage_tree *trees, size_t count);

#endif
