// The client's way to the server of another machine: a process of ours that runs ssh (or what else the server
// named), speaks with `falcon-sessions bridge` there, and gives a socket as if that server listened here. It
// says when the far side falls silent, and whether it makes sense to try again.
#ifndef FALCON_CHANNEL_H
#define FALCON_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "home/start.h"

// What the far side tells of itself.
struct channel_far {
  pid_t bridge;     // the process there that stands for us
  pid_t server;
  char agent[400];  // the socket of an ssh agent there; empty: none
};

enum channel_result {
  CHANNEL_OPEN,
  CHANNEL_AWAY,     // the network, or a machine that is starting: later it may be otherwise
  CHANNEL_OVER,     // never again: the batch job in which it ran is over
  CHANNEL_REFUSED,  // not by itself: a login that failed, a far side that cannot
};

// Takes the words behind "@channel": what the machine is called, then ways to it, each a count and so many
// words, then "0". Of several the first asks nobody; the second may ask the person, and is tried where the
// first was refused; the others are tried in turn when the connection was lost. One alone is all of these.
// How many words it took; 0: they make no sense.
size_t channel_begin(char **words, size_t count);
bool channel_is_used(void);
const char *channel_host(void);

// Opens it. `again`: it was open before. *status is what to exit with where it is not opened, and `said` has
// the far side's last line, or is empty.
enum channel_result channel_open(bool again, patience *wait, int *socket, struct channel_far *far, int *status,
                                 char *said, size_t room);

// The descriptor that polls readable when there is news; -1: none. channel_hear reads them.
int channel_fd(void);
void channel_hear(void);
// Nothing is heard from the far side, though something was asked.
bool channel_is_silent(void);

// Polls readable when the machine's network has changed since channel_network_heard; -1 where that cannot be
// told.
int channel_network(void);
void channel_network_heard(void);

#endif
