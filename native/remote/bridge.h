// `falcon-sessions bridge`: the far side of a client that is on another machine. Nobody types it.
#ifndef FALCON_BRIDGE_H
#define FALCON_BRIDGE_H

#include "home/start.h"

// Connects standard input and output to the session server of this machine, or, with "JOB" as the second
// word, to that of a batch job, until one side ends. The words: the version of the channel, and the job or
// "-". Never returns.
_Noreturn void bridge_run(char **words, size_t count, patience *wait);

#endif
