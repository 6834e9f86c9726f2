// See bridge.h. It says no request of its own: the client on the other machine does, with this process and
// what of this machine's environment matters.
#include "remote/bridge.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/frame.h"
#include "system/os.h"
#include "home/place.h"
#include "client/prose.h"
#include "remote/relay.h"

enum { STATUS_OURS = 125, STATUS_USAGE = 2 };

_Noreturn void bridge_run(char **words, size_t count, patience *wait) {
  static struct place place;
  char problem[2 * PATH_MAX], host[256] = "?";
  gethostname(host, sizeof host - 1);
  if (count < 1 || atoi(words[0]) != RELAY_VERSION) {
    prose_say("falcon",
              "%s speaks version %d of the channel between machines, and was asked for %.16s: "
              "the versions of falcon-sessions are too far apart",
              host, RELAY_VERSION, count < 1 ? "none" : words[0]);
    _exit(STATUS_USAGE);
  }
  // a host's session stays the host's for a login that is taken into a job
  if (!place_find(count > 1 ? words[1] : "-", &place, problem, sizeof problem)) {
    prose_say("falcon", "on %s: %s", host, problem);
    _exit(STATUS_OURS);
  }
  pid_t server;
  int socket = start_reach(&place, NULL, wait, &server, problem, sizeof problem);
  if (socket < 0) {
    prose_say("falcon", "on %s: %s", host, problem);
    _exit(STATUS_OURS);
  }
  // of this machine: an agent that the connection itself brought along, where its owner wants that
  const char *agent = getenv("SSH_AUTH_SOCK");
  uint8_t info[8 + PATH_MAX];
  size_t length = agent && *agent == '/' && strlen(agent) < PATH_MAX ? strlen(agent) : 0;
  put_u32(info, (uint32_t)getpid());
  put_u32(info + 4, (uint32_t)server);
  if (length > 0) memcpy(info + 8, agent, length);
  signal(SIGPIPE, SIG_IGN);
  if (!relay_greet(1, info, 8 + length)) _exit(STATUS_OURS);
  for (int fd = 0; fd <= 1; fd++) os_set_own(fd);
  const struct relay relay = {.socket = socket, .in = 0, .out = 1, .errors = -1};
  relay_run(&relay);
  _exit(0);
}
