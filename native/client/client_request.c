// The request: who calls, from where, and what is asked.
#include "client/client.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/os.h"
#include "filter/sequence_rules.h"
#include "client/terminal.h"

extern char **environ;

static void send_text(uint8_t type, const char *text, const char *what) {
  size_t length = strlen(text);
  if (length > PAYLOAD_LIMIT)
    client_die("%s of %zu bytes is longer than the session server takes (%d)", what, length, PAYLOAD_LIMIT);
  client_send(type, text, length);
}

// What else of the machine we have, besides the limits.
static void send_scheduling(void) {
  uint8_t payload[5 + OS_PROCESSORS_ROOM];
  int score = 0;
  os_oom_score(&score);
  put_u16(payload, (uint16_t)os_getpriority(PRIO_PROCESS, 0));
  put_u16(payload + 2, (uint16_t)score);
  payload[4] = client.sent_before;
  if (client.sent_before < UINT8_MAX) client.sent_before++;
  size_t length = os_processors(payload + 5);
  client_send(TO_SCHEDULING, payload, 5 + length);
}

// What of our environment means something on another machine: the terminal, and in which language and zone
// things are told, and whether the terminal shows how to leave.
static bool goes_far(const char *variable) {
  static const char *const names[] = {"TERM=",   "COLORTERM=", "TERM_PROGRAM=", "LANG=",
                                      "LC_ALL=", "LC_CTYPE=",  "NO_COLOR=",     "TZ=",  "FALCON_ATTACH_HINT="};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strncmp(variable, names[i], strlen(names[i]))) return true;
  return false;
}

void client_send_request(void) {
  bool is_far = channel_is_used();
  uint8_t numbers[24];
  char text[PATH_MAX];
  put_u16(numbers, PROTOCOL);
  put_u32(numbers + 2, (uint32_t)(is_far ? client.far.bridge : os_getpid()));
  // a server makes way for a newer client, who starts the next one: we may not everywhere
  const char *version = client.place.may_start && !is_far ? FALCON_VERSION : "0.0.0";
  size_t length = (size_t)snprintf(text, sizeof text, "%s%c%.64s", version, 0, client.called_as);
  uint8_t *at = client_room(FRAME_HEADER + 6 + length);
  put_header(at, TO_HELLO, 6 + length);
  memcpy(at + FRAME_HEADER, numbers, 6);
  memcpy(at + FRAME_HEADER + 6, text, length);
  if (client.resume_length > 0)
    for (size_t from = 0; from < client.resume_length; from += strlen((char *)client.resume + from) + 1)
      send_text(TO_ARG, (char *)client.resume + from, "an argument");
  else
    for (size_t i = 0; i < client.first_count; i++) send_text(TO_ARG, client.first_arguments[i], "an argument");
  for (char **variable = environ; *variable; variable++)
    if (!is_far || goes_far(*variable)) send_text(TO_ENV, *variable, "an environment variable");
  if (is_far && *client.far.agent) {
    snprintf(text, sizeof text, "SSH_AUTH_SOCK=%s", client.far.agent);
    send_text(TO_ENV, text, "an environment variable");
  }
  // empty where the folder is gone: only some commands need one
  send_text(TO_DIRECTORY, is_far ? "/" : os_getcwd(text, sizeof text) ? text : "", "the path of the working folder");
  uint16_t cols, rows;
  terminal_size(&cols, &rows);
  mode_t mask = os_umask(0);
  os_umask(mask);
  numbers[0] = (uint8_t)(os_isatty(0) | os_isatty(1) << 1 | os_isatty(2) << 2);
  put_u16(numbers + 1, cols);
  put_u16(numbers + 3, rows);
  put_u16(numbers + 5, (uint16_t)mask);
  // no descriptor comes from another machine, so its server filters
  put_u16(numbers + 7, is_far ? 0 : SEQUENCE_RULES_VERSION);
  client_send(TO_TERMINAL, numbers, 9);
  for (int resource = 0; resource < (int)RLIM_NLIMITS && !is_far; resource++) {
    struct rlimit limit;
    if (os_getrlimit(resource, &limit) < 0) continue;
    put_u32(numbers, (uint32_t)resource);
    put_u64(numbers + 4, limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : (uint64_t)limit.rlim_cur);
    put_u64(numbers + 12, limit.rlim_max == RLIM_INFINITY ? UINT64_MAX : (uint64_t)limit.rlim_max);
    client_send(TO_LIMIT, numbers, 20);
  }
  if (!is_far) send_scheduling();
  client_send(TO_TOKEN, client.token, sizeof client.token);
  client_send(TO_RUN, NULL, 0);
}

void client_resume_same(void) {
  // a RESUME that stands is what this connection was asked
  if (client.resume_length > 0) return;
  for (size_t i = 0; i < client.first_count; i++) {
    size_t length = strlen(client.first_arguments[i]) + 1;
    client.resume = client_must(realloc(client.resume, client.resume_length + length));
    memcpy(client.resume + client.resume_length, client.first_arguments[i], length);
    client.resume_length += length;
  }
}
