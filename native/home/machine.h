// Which machine a home belongs to, whatever that machine is called: the file `machine` in the home
// (docs/design/decisions/0004-homes.md).
#ifndef FALCON_MACHINE_H
#define FALCON_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

enum {
  // An id of a machine, of a boot or of a namespace: a UUID has 36 characters.
  MACHINE_ID_LONGEST = 64,
  // A host's name, as the kernel has it.
  MACHINE_NAME_LONGEST = 64,
};

struct machine {
  char id[MACHINE_ID_LONGEST + 1];    // of the installation, kept over boots; empty where there is none
  char boot[MACHINE_ID_LONGEST + 1];  // of this boot of this kernel; where the kernel tells none, a token that dies with it
  char pids[MACHINE_ID_LONGEST + 1];  // the namespace of process numbers; empty where there is no such thing
  char name[MACHINE_NAME_LONGEST + 1];
};

enum machine_verdict {
  MACHINE_OURS,     // this machine's; or its former life's, of which nothing can run any more
  MACHINE_UNKNOWN,  // the home says nothing: it is new, or a version before 0.2 made it
  MACHINE_ANOTHER,  // it is served where its processes, sockets and locks cannot be seen from here
};

// What this machine is. Ids that the system does not have are empty.
void machine_self(struct machine *self);

// Whose `home` is. With MACHINE_ANOTHER one sentence is in `problem`.
// Opens nothing but the file `machine`, and sockets of this kernel where another namespace of it wrote that.
enum machine_verdict machine_of_home(const char *home, const struct machine *self, char *problem, size_t room);

// Writes that `home` is this machine's: beside the file, then renamed. Only for who has the home's locks.
// False with errno.
bool machine_claim(const char *home, const struct machine *self);

#endif
