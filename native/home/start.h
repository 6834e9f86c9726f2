// The way to the session server: connecting to it, and starting it where none answers.
#ifndef FALCON_START_H
#define FALCON_START_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "home/place.h"

// Waits until `fd` (or nothing: -1) polls readable, at most `ms`; true when it does. Signals are seen to
// meanwhile, and may end the process.
typedef int patience(int fd, int ms);

// A connected, non-blocking socket to the server of `place`, started where none answers and we may;
// *pid is the process that listens, or -1. `command` (or NULL) is what it will be asked for first, so that
// it makes ready what that needs. On failure -1 and one sentence in `problem`.
int start_reach(const struct place *place, const char *command, patience *wait, pid_t *pid, char *problem, size_t room);

#endif
