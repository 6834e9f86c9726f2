// What a process may have of the machine: its limits, its niceness, its processors, and how soon the kernel
// ends it where memory is short.
#ifndef FALCON_ALLOWANCE_H
#define FALCON_ALLOWANCE_H

#include <stdbool.h>

// As much as this user can have, for the server: what it starts can be given less, never more. Limits of
// whoever happened to need a server first are none of later runs' business. Call before exec: niceness and
// processors belong to threads, and Node has many.
void allowance_widen(void);

// Whether so many processes and threads more (a few) can be had: they are started, and have ended when this
// answers. On Linux both count towards the same limits (`ulimit -u`, a control group's). Processes, which are
// cheap here, since the client links no library of threads; the server, whose forks are dear, asks with
// threads (allowance_addon.c, roomFor).
bool allowance_room(int count);

// Takes niceness, oom_score_adj and processors on, from the words of the holder's command line:
// "NICENESS,OOM_SCORE_ADJ,PROCESSORS", processors as in os_processors(), two hexadecimal digits a byte, or
// nothing. False when that makes no sense; what the kernel refuses stays as it is.
bool allowance_take(const char *text);

#endif
