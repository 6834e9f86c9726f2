// See channel.h.
#include "remote/channel.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/frame.h"
#include "system/os.h"
#include "client/prose.h"
#include "remote/relay.h"

enum {
  WAYS_MOST = 4,
  // Of several ways the first asks nobody, the second may ask the person, the others come back.
  WAY_ASKS = 1,
  WAYS_BACK = 2,
  // A further try that has brought no greeting by then hangs, as on the master connection of a network that
  // is gone. The next one may take twice as long: a busy machine's login, too, may be slow.
  AGAIN_MS = 12000,
  AGAIN_MOST_MS = 60000,
  STATUS_OURS = 125,
  STATUS_SSH = 255,  // its own failure
};

// What the carrier's process tells ours. One write of a pipe, whole or not at all.
struct word {
  char kind;  // open, failed, silent, heard
  uint8_t result, status;
  bool wants_person;  // it failed for want of a login
  pid_t bridge, server;
  char text[400];  // the far side's agent, or the carrier's last line
};

static const char *host;
static char **ways[WAYS_MOST];
static size_t way_lengths[WAYS_MOST], way_count, way_next = WAYS_BACK;
static bool way_refused[WAYS_MOST];
static char refusal[400];  // of the first that was

static int words_fd = -1, network_fd = -1;
static int64_t again_ms = AGAIN_MS;
static bool silent;

// In the carrier's process.
static int told = -1;
static bool tells_errors, holds_errors, opened;
static char last_line[512];
// What the way that asks nobody has said: told once it is clear that nobody will be asked.
static uint8_t held[4096];
static size_t held_length;

size_t channel_begin(char **words, size_t count) {
  size_t at = 1;
  if (count == 0) return 0;
  host = words[0];
  while (at < count) {
    size_t length = (size_t)strtoul(words[at], NULL, 10);
    if (length == 0) return way_count > 0 && !strcmp(words[at], "0") ? at + 1 : 0;
    if (way_count == WAYS_MOST || at + 1 + length > count) return 0;
    ways[way_count] = words + at + 1;
    way_lengths[way_count++] = length;
    at += 1 + length;
  }
  return 0;
}

bool channel_is_used(void) { return way_count > 0; }

const char *channel_host(void) { return host; }

static void tell(const struct word *word) {
  if (write(told, word, sizeof *word) < 0) {}  // the client is gone, which the socket says too
}

static void tell_held(void) {
  holds_errors = false;
  if (held_length > 0 && write(2, held, held_length) < 0) {}
  held_length = 0;
}

// Keeps the last line that says something, for the sentence.
static void keep_line(const uint8_t *bytes, size_t length) {
  static char line[sizeof last_line];
  static size_t used;
  for (size_t i = 0; i < length; i++) {
    if (bytes[i] != '\n' && bytes[i] != '\r') {
      if (used < sizeof line - 1) line[used++] = bytes[i] >= ' ' && bytes[i] < 0x7f ? (char)bytes[i] : '?';
      continue;
    }
    line[used] = 0;
    if (used > 0) memcpy(last_line, line, used + 1);
    used = 0;
  }
}

// Before the far side has greeted, the person sees all that the carrier says.
static void on_said(const uint8_t *bytes, size_t length) {
  if (holds_errors) {
    size_t room = sizeof held - held_length, taken = length < room ? length : room;
    memcpy(held + held_length, bytes, taken);
    held_length += taken;
  } else if (!opened && tells_errors && write(2, bytes, length) < 0) {}
  keep_line(bytes, length);
}

static void on_greeted(const uint8_t *info, size_t length) {
  struct word word = {.kind = 'o'};
  tell_held();
  opened = true;
  if (length >= 8) {
    word.bridge = (pid_t)get_u32(info);
    word.server = (pid_t)get_u32(info + 4);
  }
  if (length > 8 && length - 8 < sizeof word.text) memcpy(word.text, info + 8, length - 8);
  tell(&word);
}

static void on_silent(bool is_silent) { tell(&(struct word){.kind = is_silent ? 's' : 'h'}); }

// Whether its last line has one of these texts, up to NULL.
static bool said_one_of(const char *const texts[]) {
  while (*texts && !strstr(last_line, *texts)) texts++;
  return *texts;
}

// Of a carrier that ended: whether the network is to blame, by the words of OpenSSH and Slurm. Anything else
// is not tried again by itself: a login that fails may ask for a second factor, or lock the account.
static bool network_failed(int status) {
  static const char *const says[] = {
      "Connection timed out",    "Connection refused",   "No route to host",
      "Network is unreachable",  "Connection reset",     "Could not resolve hostname",
      "Connection closed by",    "Operation timed out",  "Broken pipe",
      "Host is down",            "not responding",       "banner exchange",
      "closed by remote host",   "lost connection",      "Connection to UNKNOWN",
      "Socket timed out",        "Network is down",      "Unable to contact slurm controller",
      "Control socket connect",  "mux_client", NULL,
  };
  bool by_signal = status < 0;
  return by_signal || said_one_of(says);
}

// By OpenSSH's words: with a person to ask it may go well.
static bool login_failed(int status) {
  static const char *const says[] = {"Permission denied", "Host key verification failed",
                                     "Too many authentication failures", NULL};
  return status == STATUS_SSH && said_one_of(says);
}

// By Slurm's words: the job whose step this was to be has ended.
static bool job_is_over(void) {
  static const char *const says[] = {"has expired", "Invalid job id", "already completing or completed",
                                     "Job is not running", NULL};
  return said_one_of(says);
}

static void plain_signals(void) {
  for (int number = 1; number < NSIG; number++) {
    struct sigaction old;
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN) signal(number, SIG_DFL);
  }
}

static pid_t start_carrier(char **way, size_t length, int carrier, int errors) {
  pid_t child = fork();
  if (child != 0) return child;
  char **arguments = calloc(length + 1, sizeof *arguments);
  if (!arguments) _exit(STATUS_OURS);
  memcpy(arguments, way, length * sizeof *arguments);
  dup2(carrier, 0);
  dup2(carrier, 1);
  dup2(errors, 2);
  os_close_from(3);
  signal(SIGPIPE, SIG_DFL);
  execvp(arguments[0], arguments);
  int error = errno;
  prose_say("falcon", "cannot run %s: %s", arguments[0], strerror(error));
  _exit(error == ENOENT ? 127 : 126);
}

// In a process of its own: carries bytes until one side ends.
_Noreturn static void carry(size_t way, bool again, int socket) {
  int carrier[2], errors[2];
  plain_signals();
  signal(SIGPIPE, SIG_IGN);
  // a further try has no terminal to ask on, and a key typed into that ends nothing
  if (again) setsid();
  tells_errors = !again;
  holds_errors = !again && way == 0 && way_count > 1;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, carrier) < 0 || pipe(errors) < 0) _exit(STATUS_OURS);
  pid_t child = start_carrier(ways[way], way_lengths[way], carrier[1], errors[1]);
  close(carrier[1]);
  close(errors[1]);
  os_set_own(carrier[0]);
  os_set_own(errors[0]);
  const struct relay relay = {.socket = socket, .in = carrier[0], .out = carrier[0], .asks = true, .errors = errors[0],
                              .said = on_said, .silent = on_silent, .greeted = on_greeted};
  enum relay_end end = child < 0 ? RELAY_BROKEN : relay_run(&relay);
  close(carrier[0]);
  // one whose network is gone would wait for that; another one may have more to do (a master of other
  // connections)
  if (child > 0 && (end == RELAY_LOST || (end == RELAY_LEFT && !opened))) kill(child, SIGTERM);
  if (opened || child < 0) _exit(0);
  int how = 0;
  uint8_t bytes[1024];
  if (end == RELAY_BROKEN) while (waitpid(child, &how, 0) < 0 && errno == EINTR) {}
  for (ssize_t count; (count = read(errors[0], bytes, sizeof bytes)) > 0;) on_said(bytes, (size_t)count);
  keep_line((const uint8_t *)"\n", 1);
  int status = WIFEXITED(how) ? WEXITSTATUS(how) : -1;
  struct word word = {
      .kind = 'f',
      .result = job_is_over() ? CHANNEL_OVER : network_failed(status) ? CHANNEL_AWAY : CHANNEL_REFUSED,
      .status = (uint8_t)(status < 0 ? STATUS_SSH : status),
      .wants_person = login_failed(status),
  };
  if (!word.wants_person) tell_held();
  snprintf(word.text, sizeof word.text, "%.*s", (int)sizeof word.text - 1, last_line);
  tell(&word);
  _exit(0);
}

// The carrier's process is not used any more.
static void leave_carrier(void) {
  if (words_fd >= 0) close(words_fd);
  words_fd = -1;
  silent = false;
  // it ends by itself once the socket is closed
  while (waitpid(-1, NULL, WNOHANG) > 0) {}
}

static bool next_word(struct word *word) {
  return words_fd >= 0 && read(words_fd, word, sizeof *word) == (ssize_t)sizeof *word;
}

// The next way back that was not refused yet; false: none is left.
static bool choose_back(size_t *way) {
  if (way_count == 1) {
    *way = 0;
    return !way_refused[0];
  }
  for (size_t i = WAYS_BACK; i < way_count; i++) {
    size_t at = way_next;
    way_next = at + 1 < way_count ? at + 1 : WAYS_BACK;
    if (at >= way_count || way_refused[at]) continue;
    *way = at;
    return true;
  }
  return false;
}

// Starts the carrier of one way, and waits for its first word: false: it said none. *socket: to the far
// server, where it is open.
static bool try_way(size_t way, bool again, patience *wait, int *socket, struct word *word, char *said, size_t room) {
  int pair[2] = {-1, -1}, words[2];
  leave_carrier();
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || pipe(words) < 0) {
    close(pair[0]);
    close(pair[1]);
    return false;
  }
  for (int i = 0; i < 2; i++) os_set_own(pair[i]);
  os_set_own(words[0]);
  pid_t process = fork();
  if (process == 0) {
    close(pair[0]);
    close(words[0]);
    told = words[1];
    carry(way, again, pair[1]);
  }
  close(pair[1]);
  close(words[1]);
  words_fd = words[0];
  int64_t end = os_steady_ms() + again_ms;
  bool has = false;
  // a key may end the wait: what it means was seen to
  for (int64_t left = again_ms; !has && process > 0 && left > 0; left = again ? end - os_steady_ms() : again_ms)
    if (wait(words_fd, (int)left) == 1 && !(has = next_word(word))) break;
  if (!again || has) again_ms = AGAIN_MS;
  else if (os_steady_ms() >= end) again_ms = 2 * again_ms < AGAIN_MOST_MS ? 2 * again_ms : AGAIN_MOST_MS;
  if (has && word->kind == 'o') {
    *socket = pair[0];
    return true;
  }
  close(pair[0]);
  leave_carrier();
  if (has) snprintf(said, room, "%s", word->text);
  return has;
}

enum channel_result channel_open(bool again, patience *wait, int *socket, struct channel_far *far, int *status,
                                 char *said, size_t room) {
  size_t way = 0;
  struct word word = {0};
  *said = 0;
  *status = STATUS_OURS;
  if (again && !choose_back(&way)) {
    snprintf(said, room, "%s", refusal);
    return CHANNEL_REFUSED;
  }
  bool has = try_way(way, again, wait, socket, &word, said, room);
  // nobody was asked for a login, and one is wanted
  if (has && word.wants_person && !again && way == 0 && way_count > WAY_ASKS)
    has = try_way(WAY_ASKS, again, wait, socket, &word, said, room);
  if (!has) {
    if (!again) {
      // a signal to all of us (Ctrl+C while ssh asks) has ended the carrier's process: ours is taken here
      wait(-1, 100);
      prose_say("falcon",
                "no way to %s could be tried: the process for it could not be started, or was killed (is your limit, "
                "'ulimit -n' or 'ulimit -u', or the machine's reached?)",
                host);
    }
    return CHANNEL_AWAY;
  }
  if (word.kind == 'o') {
    *far = (struct channel_far){.bridge = word.bridge, .server = word.server};
    memcpy(far->agent, word.text, sizeof far->agent);
    silent = false;
    return CHANNEL_OPEN;
  }
  *status = word.status;
  if (word.result == CHANNEL_OVER || !again) return (enum channel_result)word.result;
  if (word.result != CHANNEL_AWAY) {
    way_refused[way] = true;
    if (!*refusal) snprintf(refusal, sizeof refusal, "%s", said);
  }
  // another way may be open to us
  size_t other, kept = way_next;
  bool any = choose_back(&other);
  way_next = kept;
  if (any || !way_refused[way]) return CHANNEL_AWAY;
  snprintf(said, room, "%s", refusal);
  return CHANNEL_REFUSED;
}

int channel_fd(void) { return words_fd; }

void channel_hear(void) {
  struct word word;
  for (ssize_t count; words_fd >= 0 && (count = read(words_fd, &word, sizeof word)) != (ssize_t)sizeof word;) {
    if (count == 0) leave_carrier();
    return;
  }
  if (words_fd >= 0) silent = word.kind == 's';
}

bool channel_is_silent(void) { return silent; }

int channel_network(void) {
  if (network_fd < 0) network_fd = os_watch_network();
  return network_fd;
}

void channel_network_heard(void) {
  uint8_t bytes[4096];
  if (channel_network() >= 0) while (read(network_fd, bytes, sizeof bytes) > 0) {}
}
