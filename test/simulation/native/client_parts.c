// What the simulated client has in place of start.c, place.c, channel.c and bridge.c: a server is asked for,
// and waited for; other machines are not simulated.
#include "remote/bridge.h"
#include "remote/channel.h"
#include "home/place.h"
#include "home/start.h"
#include "system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sim_connect(const char *name);

// So long (ms) a server is waited for.
enum { PATIENCE_MS = 60000, LOOK_MS = 20 };

bool place_find(const char *order, struct place *found, char *problem, size_t room) {
  (void)order, (void)problem, (void)room;
  strcpy(found->home, "/sim");
  found->may_start = true;
  return true;
}

int start_reach(const struct place *place, const char *command, patience *wait, pid_t *pid, char *problem, size_t room) {
  (void)place, (void)command;
  *pid = 1;
  for (int64_t end = world.now + PATIENCE_MS; world.now < end;) {
    int fd = sim_connect("server.sock");
    if (fd >= 0) return fd;
    wait(-1, LOOK_MS);
  }
  snprintf(problem, room, "nobody listens");
  return -1;
}

bool channel_is_used(void) { return false; }
const char *channel_host(void) { return ""; }
size_t channel_begin(char **words, size_t count) { return (void)words, (void)count, 0; }
enum channel_result channel_open(bool again, patience *wait, int *socket, struct channel_far *far, int *status, char *said,
                                 size_t room) {
  (void)again, (void)wait, (void)socket, (void)far, (void)status, (void)said, (void)room;
  return CHANNEL_REFUSED;
}
int channel_fd(void) { return -1; }
void channel_hear(void) {}
bool channel_is_silent(void) { return false; }
int channel_network(void) { return -1; }
void channel_network_heard(void) {}
_Noreturn void bridge_run(char **words, size_t count, patience *wait) {
  (void)words, (void)count, (void)wait;
  abort();
}

// What the simulation calls: nothing else of the library is seen by another one.
int own_main(int count, char **words);
__attribute__((visibility("default"))) int process_main(int count, char **words) { return own_main(count, words); }
