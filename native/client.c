// falcon: the thin client. It says who calls (arguments, environment, folder, terminal), copies bytes between the terminal and the
// session server, and obeys the server's frames (docs/design/protocol.md). It knows no command.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "away.h"
#include "bridge.h"
#include "channel.h"
#include "direct.h"
#include "frame.h"
#include "keys.h"
#include "os.h"
#include "place.h"
#include "sequence_rules.h"
#include "start.h"
#include "terminal.h"
#include "typing.h"

#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0
#endif
#ifndef FALCON_VERSION
#define FALCON_VERSION "0.0.0"
#endif

enum { PROTOCOL = 1 };

// Frame types (docs/design/protocol.md, Client).
enum {
  TO_HELLO = 1,
  TO_ARG = 2,
  TO_ENV = 3,
  TO_DIRECTORY = 4,
  TO_TERMINAL = 5,
  TO_LIMIT = 6,
  TO_TOKEN = 7,
  TO_RUN = 8,
  TO_SCHEDULING = 9,
  TO_INPUT = 20,
  TO_INPUT_END = 21,
  TO_SIZE = 22,
  TO_SIGNAL = 23,
  TO_CONTINUED = 24,
  TO_INPUT_AT = 25,
  TO_DIRECT_AT = 26,
  TO_DIRECT_ENDED = 27,
  TO_INPUT_FROM = 28,
  FROM_HELLO = 65,
  FROM_STDOUT = 66,
  FROM_STDERR = 67,
  FROM_EXIT = 68,
  FROM_EXEC = 69,
  FROM_INPUT_MODE = 70,
  FROM_SIGNALS = 71,
  FROM_RESUME = 72,
  FROM_RESTORE = 73,
  FROM_RECONNECT = 74,
  FROM_LEAVE_KEYS = 75,
  FROM_TAKEN = 76,
  FROM_DIRECT = 77,
  FROM_DIRECT_END = 78,
  FROM_KEYS_OPEN = 79,
  FROM_KEYS_CLOSE = 80,
  FROM_INPUT_TAKEN = 81,
};

enum { INPUT_OFF = 0, INPUT_PLAIN = 1, INPUT_RAW = 2 };

enum {
  STATUS_OURS = 125,
  STATUS_NOT_EXECUTABLE = 126,
  STATUS_NOT_FOUND = 127,
  // The longest payload in either direction.
  PAYLOAD_LIMIT = 1 << 20,
  // So much of what the server says is kept while the terminal is slow; then the socket is not read, and the server notices.
  UNWRITTEN_LIMIT = 256 << 10,
  // So much typed input is kept while the server is slow; then the terminal is not read.
  UNSENT_LIMIT = 1 << 20,
  READ_PIECE = 64 << 10,
  // So much may wait with the frames that are no typing: ten thousand signals, and the server takes none of them.
  UNSENT_MOST = UNSENT_LIMIT + 2 * READ_PIECE,
  // A server that has not said HELLO by then hangs.
  HELLO_MS = 5000,
  // The server that told us to go to the next one has this long to close its side.
  GOODBYE_MS = 5000,
  // A connection that held so long starts the count of losses anew; after MOST_LOSSES in a row nothing better is to be expected.
  STEADY_MS = 10000,
  MOST_LOSSES = 5,
  // Descriptors that wait for their frames: a DIRECT and a KEYS_OPEN, and the server sends no more before it hears of the first.
  PASSED_MOST = 8,
  // Pause before asking again, times the losses.
  AGAIN_MS = 20,
  // What was typed waits for the holder to say that it has what went there; a wake-up for the case that it does not.
  KEYS_AGAIN_MS = 20,
  // What was typed for another machine longer ago than this is late: whoever typed it may mean something else by now.
  LATE_MS = 3000,
  // Another machine is tried again after the first pause, then after twice as long, and so on.
  FIRST_PAUSE_MS = 1000,
  LONGEST_PAUSE_MS = 30000,
  // Its HELLO is on its way for longer.
  FAR_HELLO_MS = 20000,
};

static const char *called_as = "falcon";
static const char *place_order;  // the job whose server is to be asked instead of our own (place.h)
static struct place place;
static const char *const home = place.home;
static char **first_arguments;  // as we were called, without our name
static size_t first_count;
static uint8_t token[16];

static int connection = -1;
static pid_t server_pid;
static bool greeted;          // HELLO has come
static bool going;            // RECONNECT has come
static bool lost;             // the server's side is at its end
static int64_t connected_at;  // steady ms
static int64_t going_since, heard_at;
static int losses;
static uint8_t sent_before;   // how often this request was sent to another server

static int input_mode;
static bool reads_input;  // the present server has said how
static bool input_ended, told_end;
static bool forward_signals;
static bool holds_signals;  // those that a server is to be told wait until the next one has begun to answer
static uint8_t *resume;  // strings, each with its NUL
static size_t resume_length;

// What the server said and nobody has dealt with: in[in_start .. in_end).
static uint8_t *in;
static size_t in_room, in_start, in_end;
// Of an output frame: so many bytes are still to be written to `out_stream`.
static size_t out_left;
static int out_stream;
static bool out_blocked;
static bool out_waits;  // a frame of output waits until the direct way is at rest
static bool error_gone;  // nobody reads our stderr
static bool tell_size, tell_continued;  // the server is to hear of it, once there is one that listens

// What is to be sent.
static uint8_t *unsent;
static size_t unsent_room, unsent_start, unsent_end;

static int signal_pipe[2];
static bool pipe_was_ignored;

// Descriptors that came, oldest first, until the frames that they came with are obeyed: those may wait for the terminal.
static int passed[PASSED_MOST];
static size_t passed_count;
static uint32_t inputs_sent;  // INPUT and INPUT_AT frames, on this connection
static bool orphan;      // output comes from the holder, by the word of a server that is gone
static bool titled;      // the window's title says so
static struct channel_far far;  // where the server is another machine's
static bool away;         // that machine cannot be reached now
static int pause_ms;      // before it is tried again
static bool asks_unsent;  // the question is only about what was not sent

// Puts the terminal back.
static void give_back(void) {
  direct_stop(false);
  away_title(NULL);
  terminal_leave(out_left > 0 || !direct_at_rest());
}

_Noreturn static void leave(int status) {
  give_back();
  _exit(status);
}

// Puts the terminal back, says one sentence, and ends.
__attribute__((format(printf, 1, 2))) _Noreturn static void die(const char *format, ...) {
  char text[4096];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  give_back();
  dprintf(2, "%s: %s\n", called_as, text);
  _exit(STATUS_OURS);
}

// The server stands still, or is gone, and the person wants to go: what was typed since is withdrawn with us.
_Noreturn static void leave_frozen(void) {
  give_back();
  if (channel_is_used()) dprintf(2, "%s: nothing is heard from %s, so this terminal has left; what runs there goes on\n", called_as, channel_host());
  else if (connection < 0) dprintf(2, "%s: no session server could be reached yet, so this terminal has left; what runs goes on\n", called_as);
  else dprintf(2, "%s: the session server (process %d) does not answer, so this terminal has left; what runs goes on\n", called_as, (int)server_pid);
  _exit(0);
}

static void *must(void *memory) {
  if (!memory) die("out of memory");
  return memory;
}

// ---- Sending

static uint8_t *to_send(size_t length) {
  if (unsent_start == unsent_end) unsent_start = unsent_end = 0;
  if (unsent_end + length > unsent_room) {
    unsent_room = (unsent_end + length) * 2;
    unsent = must(realloc(unsent, unsent_room));
  }
  uint8_t *at = unsent + unsent_end;
  unsent_end += length;
  return at;
}

static void send_frame(uint8_t type, const void *payload, size_t length) {
  uint8_t *at = to_send(FRAME_HEADER + length);
  put_header(at, type, length);
  if (length > 0) memcpy(at + FRAME_HEADER, payload, length);
}

static void send_text(uint8_t type, const char *text, const char *what) {
  size_t length = strlen(text);
  if (length > PAYLOAD_LIMIT) die("%s of %zu bytes is longer than the session server takes (%d)", what, length, PAYLOAD_LIMIT);
  send_frame(type, text, length);
}

static void flush_unsent(void) {
  while (unsent_start < unsent_end && !lost) {
    ssize_t count = write(connection, unsent + unsent_start, unsent_end - unsent_start);
    if (count > 0) unsent_start += (size_t)count;
    else if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    // what the server said before it went is still to be read
    else if (errno != EINTR) unsent_start = unsent_end;
  }
}

// The size as it is now, and that we were stopped: however often that happened since, it is told once.
static void send_news(void) {
  uint8_t payload[4];
  uint16_t cols, rows;
  if (!greeted || unsent_end - unsent_start >= UNSENT_LIMIT) return;
  if (tell_size) {
    terminal_size(&cols, &rows);
    put_u16(payload, cols);
    put_u16(payload + 2, rows);
    if (cols > 0) send_frame(TO_SIZE, payload, sizeof payload);
  }
  if (tell_continued) send_frame(TO_CONTINUED, NULL, 0);
  tell_size = tell_continued = false;
}

extern char **environ;

// What else of the machine we have, besides the limits.
static void send_scheduling(void) {
  uint8_t payload[5 + OS_PROCESSORS_ROOM];
  int score = 0;
  os_oom_score(&score);
  put_u16(payload, (uint16_t)getpriority(PRIO_PROCESS, 0));
  put_u16(payload + 2, (uint16_t)score);
  payload[4] = sent_before;
  if (sent_before < UINT8_MAX) sent_before++;
  size_t length = os_processors(payload + 5);
  send_frame(TO_SCHEDULING, payload, 5 + length);
}

// What of our environment means something on another machine: the terminal, and in which language and zone things are told.
static bool goes_far(const char *variable) {
  static const char *const names[] = {"TERM=", "COLORTERM=", "TERM_PROGRAM=", "LANG=", "LC_ALL=", "LC_CTYPE=", "NO_COLOR=", "TZ="};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strncmp(variable, names[i], strlen(names[i]))) return true;
  return false;
}

// The whole request: who we are and what is asked.
static void send_request(void) {
  bool is_far = channel_is_used();
  uint8_t numbers[24];
  char text[PATH_MAX];
  put_u16(numbers, PROTOCOL);
  put_u32(numbers + 2, (uint32_t)(is_far ? far.bridge : getpid()));
  // a server makes way for a newer client, who starts the next one: we may not everywhere
  size_t length = (size_t)snprintf(text, sizeof text, "%s%c%.64s", place.may_start && !is_far ? FALCON_VERSION : "0.0.0", 0, called_as);
  uint8_t *at = to_send(FRAME_HEADER + 6 + length);
  put_header(at, TO_HELLO, 6 + length);
  memcpy(at + FRAME_HEADER, numbers, 6);
  memcpy(at + FRAME_HEADER + 6, text, length);
  if (resume_length > 0)
    for (size_t from = 0; from < resume_length; from += strlen((char *)resume + from) + 1) send_text(TO_ARG, (char *)resume + from, "an argument");
  else
    for (size_t i = 0; i < first_count; i++) send_text(TO_ARG, first_arguments[i], "an argument");
  for (char **variable = environ; *variable; variable++)
    if (!is_far || goes_far(*variable)) send_text(TO_ENV, *variable, "an environment variable");
  if (is_far && *far.agent) {
    snprintf(text, sizeof text, "SSH_AUTH_SOCK=%s", far.agent);
    send_text(TO_ENV, text, "an environment variable");
  }
  // empty where the folder is gone: only some commands need one
  send_text(TO_DIRECTORY, is_far ? "/" : getcwd(text, sizeof text) ? text : "", "the path of the working folder");
  uint16_t cols, rows;
  terminal_size(&cols, &rows);
  mode_t mask = umask(0);
  umask(mask);
  numbers[0] = (uint8_t)(isatty(0) | isatty(1) << 1 | isatty(2) << 2);
  put_u16(numbers + 1, cols);
  put_u16(numbers + 3, rows);
  put_u16(numbers + 5, (uint16_t)mask);
  // no descriptor comes from another machine, so its server filters
  put_u16(numbers + 7, is_far ? 0 : SEQUENCE_RULES_VERSION);
  send_frame(TO_TERMINAL, numbers, 9);
  for (int resource = 0; resource < (int)RLIM_NLIMITS && !is_far; resource++) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) < 0) continue;
    put_u32(numbers, (uint32_t)resource);
    put_u64(numbers + 4, limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : (uint64_t)limit.rlim_cur);
    put_u64(numbers + 12, limit.rlim_max == RLIM_INFINITY ? UINT64_MAX : (uint64_t)limit.rlim_max);
    send_frame(TO_LIMIT, numbers, 20);
  }
  if (!is_far) send_scheduling();
  send_frame(TO_TOKEN, token, sizeof token);
  send_frame(TO_RUN, NULL, 0);
}

// ---- Signals

static void on_signal(int number) {
  int kept = errno;
  uint8_t byte = (uint8_t)number;
  if (write(signal_pipe[1], &byte, 1) < 0) {}  // a full pipe has enough to wake us
  errno = kept;
}

static void on_crash(int number) {
  terminal_crash();
  signal(number, SIG_DFL);
  raise(number);
}

static void handle(int number, void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler};
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

static void catch_signals(void) {
  static const int deadly[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU};
  static const int told[] = {SIGWINCH, SIGCONT, SIGTSTP};
  static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  struct sigaction old;
  if (pipe(signal_pipe) < 0) die("no pipe for signals: %s", strerror(errno));
  for (int i = 0; i < 2; i++) {
    fcntl(signal_pipe[i], F_SETFD, FD_CLOEXEC);
    fcntl(signal_pipe[i], F_SETFL, O_NONBLOCK);
  }
  for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
    // what the caller has switched off (nohup) stays off
    sigaction(deadly[i], NULL, &old);
    if (old.sa_handler != SIG_IGN) handle(deadly[i], on_signal);
  }
  for (size_t i = 0; i < sizeof told / sizeof *told; i++) handle(told[i], on_signal);
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) handle(crashes[i], on_crash);
  sigaction(SIGPIPE, NULL, &old);
  pipe_was_ignored = old.sa_handler == SIG_IGN;
  handle(SIGPIPE, SIG_IGN);
}

static void continued(void) {
  if (input_mode == INPUT_RAW) terminal_raw();
  // before the greeting there is nothing on the terminal that could have been lost
  tell_size = true;
  tell_continued = greeted;
}

static void obey_signal(int number);

static void stop(void) {
  uint8_t bytes[64];
  // the server draws everything again once we go on
  direct_stop(!orphan);
  terminal_leave(out_left > 0 || !direct_at_rest());
  handle(SIGTSTP, SIG_DFL);
  raise(SIGTSTP);
  // somebody has continued us, or nobody is there who could have
  handle(SIGTSTP, on_signal);
  // what else came while we stood still: `kill` of a stopped job is a SIGTERM and a SIGCONT
  for (ssize_t count; (count = read(signal_pipe[0], bytes, sizeof bytes)) > 0;)
    for (ssize_t i = 0; i < count; i++)
      if (bytes[i] != SIGCONT && bytes[i] != SIGTSTP) obey_signal(bytes[i]);
  continued();
}

static void obey_signal(int number) {
  switch (number) {
    case SIGWINCH:
      tell_size = true;
      return;
    case SIGTSTP:
      stop();
      return;
    case SIGHUP:
    case SIGINT:
    case SIGTERM:
    case SIGUSR1:
    case SIGUSR2:
      if (!forward_signals || unsent_end - unsent_start >= UNSENT_MOST) break;
      send_frame(TO_SIGNAL, &(uint8_t){(uint8_t)number}, 1);
      return;
  }
  leave(128 + number);
}

static void take_signals(void) {
  uint8_t bytes[64];
  bool woken = false;
  for (ssize_t count; (count = read(signal_pipe[0], bytes, sizeof bytes)) > 0;)
    for (ssize_t i = 0; i < count; i++)
      if (bytes[i] == SIGCONT) woken = true;
      else obey_signal(bytes[i]);
  // last: in the background, touching the terminal stops us, and a signal that ends us comes first
  if (woken) continued();
}

// ---- The direct way

static void tell_place(uint64_t offset, uint8_t blocked_percent) {
  uint8_t payload[9];
  put_u64(payload, offset);
  payload[8] = blocked_percent;
  if (!orphan && unsent_end - unsent_start < UNSENT_LIMIT) send_frame(TO_DIRECT_AT, payload, sizeof payload);
}

static void tell_end(uint64_t offset, enum direct_end why) {
  uint8_t payload[9];
  put_u64(payload, offset);
  payload[8] = (uint8_t)why;
  if (!orphan) send_frame(TO_DIRECT_ENDED, payload, sizeof payload);
}

static const struct direct_reports reports = {tell_place, tell_end};

// The descriptor that the frame at hand carries; -1 where none came.
static int take_passed(void) {
  if (passed_count == 0) return -1;
  int fd = passed[0];
  memmove(passed, passed + 1, --passed_count * sizeof *passed);
  return fd;
}

static void go_direct(const uint8_t *payload, size_t length) {
  int holder = take_passed();
  if (direct_is_on() && !direct_stop(false)) leave(128 + SIGPIPE);
  // what cannot be done is over at once
  if (!direct_begin(holder, payload, length, &reports)) tell_end(length >= 8 ? get_u64(payload) : 0, DIRECT_HOLDER_GONE);
}

// The server has dealt with `count` of what was typed; what it has not seen yet may be anything.
static void allow_keys(const uint8_t *payload, size_t length) {
  if (length < 4 + KEYS_SET) return;
  // an older server does not say whether a descriptor rides on it: it does on the first
  bool carries = length > 4 + KEYS_SET ? payload[4 + KEYS_SET] & KEYS_CARRIES : !keys_have_holder();
  keys_open(payload + 4, carries ? take_passed() : -1);
  if (get_u32(payload) != inputs_sent || typing_waiting() > 0) keys_close();
}

// Says in the window's title that a server is being started, and takes that back.
static void set_title(bool on) {
  static const char says[] = "\x1b[22;2t\x1b]2;falcon: the session server is being started\x07", back[] = "\x1b[23;2t";
  if (titled == on || !direct_at_rest() || out_left > 0) return;
  titled = on;
  if (output_write(1, (const uint8_t *)(on ? says : back), on ? sizeof says - 1 : sizeof back - 1) < 0) leave(128 + SIGPIPE);
}

static void read_input(void);

static void step_direct(void) {
  if (out_left == 0 && !direct_step(!out_waits)) leave(128 + SIGPIPE);
  if (orphan) set_title(true);
}

// The next server draws the screen anew.
static void end_orphan(void) {
  if (!direct_stop(false)) leave(128 + SIGPIPE);
  set_title(false);
  orphan = false;
}

// While no server is there: a signal that it will be told waits for it, any other is seen to at once. Output goes on, keys wait or go to the holder, and
// who wants to leave can.
static int wait_for(int fd, int ms) {
  int64_t end = os_steady_ms() + ms;
  for (;;) {
    short keys_events;
    bool reads = input_mode == INPUT_RAW && !input_ended && typing_waiting() < UNSENT_LIMIT;
    struct pollfd slots[] = {
        {fd, POLLIN, 0},
        {forward_signals ? -1 : signal_pipe[0], POLLIN, 0},
        {direct_fd(), POLLIN, 0},
        {direct_waits() ? output_fd(1) : -1, POLLOUT, 0},
        {reads ? 0 : -1, POLLIN, 0},
        {keys_fd(&keys_events), 0, 0},
    };
    slots[5].events = keys_events;
    int64_t leaves = typing_leaves_at(heard_at), left = (leaves >= 0 && leaves < end ? leaves : end) - os_steady_ms();
    int timeout = left > 0 ? (int)left : 0, step = direct_timeout();
    if (poll(slots, 6, step >= 0 && step < timeout ? step : timeout) < 0 && errno != EINTR) return 0;
    if (direct_is_on()) step_direct();
    if (slots[4].revents) read_input();
    if (slots[5].revents) keys_step();
    if (slots[1].revents) take_signals();
    // a key is a reason to try again at once
    if (away && slots[4].revents) return typing_pressed() ? (leave_frozen(), 0) : 2;
    leaves = typing_leaves_at(heard_at);
    if (leaves >= 0 && os_steady_ms() >= leaves) leave_frozen();
    if (slots[0].revents) return 1;
    if (os_steady_ms() >= end) return 0;
  }
}

// ---- The connection

static void make_token(void);

// What was typed is asked about before it goes to another machine late.
static bool ask_if_late(bool unsent) {
  uint8_t bytes[64];
  int64_t since = 0;
  size_t count = typing_held(unsent, &since);
  if (count == 0 || os_steady_ms() - since <= LATE_MS) return false;
  asks_unsent = unsent;
  away_ask(channel_host(), bytes, typing_show(unsent, bytes, sizeof bytes), count);
  return true;
}

static void answered(bool send) {
  if (!send) typing_drop(asks_unsent);
  else typing_renew();
  // of what is dropped the holder may have the first part, which is not to be counted for what comes
  if (!send && !asks_unsent) make_token();
  tell_continued = true;
  out_waits = false;
}

// Connects to the server of another machine; once it was attached, for as long as that takes.
static void reach_far(void) {
  char said[512];
  int status;
  bool again = resume_length > 0;
  for (;;) {
    channel_network_heard();
    if (pause_ms > 0) wait_for(channel_network(), pause_ms);
    enum channel_result result = channel_open(again, wait_for, &connection, &far, &status, said, sizeof said);
    if (result == CHANNEL_OPEN) break;
    // who was asked has said why
    if (!again) leave(status);
    if (result == CHANNEL_REFUSED) die("%s cannot be reached again without you: %s; the session there goes on, and falcon attach comes back to it", channel_host(), *said ? said : "no way is left");
    if (!away_title(channel_host())) leave(128 + SIGPIPE);
    pause_ms = pause_ms == 0 ? FIRST_PAUSE_MS : pause_ms * 2 < LONGEST_PAUSE_MS ? pause_ms * 2 : LONGEST_PAUSE_MS;
  }
  server_pid = far.server;
  if (!away_title(NULL)) leave(128 + SIGPIPE);
  if (again && ask_if_late(false)) {
    while (away_is_asking()) wait_for(-1, LATE_MS);
    // who thinks for long has lost the server's patience with a client that says nothing
    struct pollfd slot = {connection, POLLIN, 0};
    if (poll(&slot, 1, 0) > 0 && slot.revents & POLLHUP) {
      close(connection);
      return reach_far();
    }
  }
  away = false;
}

// Connects to our server, which is started where none answers.
static void reach_here(void) {
  char problem[2 * PATH_MAX];
  // looked at each time: the folder may have changed hands since
  if (!place_find(place_order, &place, problem, sizeof problem)) die("%s", problem);
  connection = start_reach(&place, wait_for, &server_pid, problem, sizeof problem);
  if (connection < 0) die("%s", problem);
}

// Connects and asks.
static void ask(void) {
  if (channel_is_used()) reach_far();
  else reach_here();
  connected_at = os_steady_ms();
  greeted = going = lost = reads_input = false;
  holds_signals = forward_signals;
  in_start = in_end = out_left = 0;
  out_blocked = out_waits = false;
  while (passed_count > 0) close(take_passed());
  unsent_start = unsent_end = 0;
  typing_restart();
  inputs_sent = 0;
  // the request says the size, and who it is sent to draws everything
  tell_size = tell_continued = false;
  send_request();
  flush_unsent();
}

// The connection is at its end without an EXIT.
static void lose(void) {
  close(connection);
  connection = -1;
  if (direct_is_on()) orphan = true;
  bool steady = greeted && os_steady_ms() - connected_at > STEADY_MS;
  losses = steady ? 1 : losses + 1;
  if (channel_is_used()) {
    if (resume_length == 0 && (greeted || losses > MOST_LOSSES)) die("the connection to %s was lost", channel_host());
    away = true;
    away_withdraw();
    pause_ms = losses == 1 ? 0 : pause_ms > 0 ? pause_ms : FIRST_PAUSE_MS;
    if (!going && !away_title(channel_host())) leave(128 + SIGPIPE);
    ask();
    return;
  }
  // a server that had not even greeted us was about to end; one that told us to is followed; otherwise only a RESUME makes asking again safe
  if (greeted && !going && resume_length == 0)
    die("the session server (process %d) ended the connection; what it was doing stands in %s/server.log", (int)server_pid, home);
  if (losses > MOST_LOSSES) die("the connection to the session server was lost %d times in a row; see %s/server.log", losses, home);
  if (losses > 1) wait_for(-1, AGAIN_MS * losses);
  // the terminal stays as it is, with what is typed in it, until the next server says how to read it
  ask();
}

// ---- Frames from the server

static void become(const uint8_t *payload, size_t length) {
  if (channel_is_used()) die("the session is not where it was: falcon sessions tells where it is now");
  char **arguments = must(calloc(length + 1, sizeof *arguments));
  size_t count = 0;
  if (length == 0 || payload[length - 1] != 0) die("the session server (process %d) sent an EXEC without an end", (int)server_pid);
  for (size_t from = 0; from < length; from += strlen((const char *)payload + from) + 1) arguments[count++] = (char *)payload + from;
  if (count < 2) die("the session server (process %d) sent an EXEC without a program", (int)server_pid);
  terminal_leave(false);
  if (!pipe_was_ignored) handle(SIGPIPE, SIG_DFL);
  // meant for us (src/trainers/falcon/shim.ts)
  unsetenv("FALCON_SESSIONS_SHIM");
  execv(arguments[0], arguments + 1);
  int error = errno;
  dprintf(2, "%s: cannot run %s: %s\n", called_as, arguments[0], strerror(error));
  _exit(error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE);
}

static void set_input_mode(int mode) {
  if (mode == INPUT_RAW && !terminal_raw()) mode = INPUT_PLAIN;
  if (mode == INPUT_RAW) os_prefer_latency();
  if (mode != INPUT_RAW) terminal_cooked();
  input_mode = mode;
  reads_input = mode != INPUT_OFF;
}

static void greet(const uint8_t *payload, size_t length) {
  if (length < 6) die("the session server (process %d) sent a HELLO of %zu bytes", (int)server_pid, length);
  unsigned protocol = get_u16(payload);
  if (protocol != PROTOCOL)
    die("the session server (process %d, version %.*s) speaks protocol %u and this falcon (%s) speaks %d: use the falcon that started it, or end it with "
        "kill %d (the runs go on) and try again",
        (int)server_pid, (int)(length - 6), (const char *)payload + 6, protocol, FALCON_VERSION, PROTOCOL, (int)server_pid);
  greeted = true;
}

// The server has passed on what was typed, so far; the first time on a connection that it will, and hears from where we go on.
static void note_taken(const uint8_t *payload, size_t length) {
  uint8_t from[8];
  if (length < 16) return;
  if (typing_keeps()) return typing_passed(get_u64(payload), get_u64(payload + 8));
  // not in the midst of it
  if (inputs_sent > 0) return;
  typing_keep();
  put_u64(from, typing_passed_on());
  send_frame(TO_INPUT_FROM, from, sizeof from);
}

static void obey(uint8_t type, const uint8_t *payload, size_t length) {
  // a server that ends sends everybody to the next one, also who has just come: its end of the connection says the same
  if (!greeted && type == FROM_RECONNECT) return;
  if (type != FROM_HELLO) holds_signals = false;
  if (!greeted && type != FROM_HELLO) die("what listens at %s/server.sock (process %d) is no session server", home, (int)server_pid);
  switch (type) {
    case FROM_HELLO:
      greet(payload, length);
      return;
    case FROM_EXIT:
      leave(length > 0 ? payload[0] : STATUS_OURS);
    case FROM_EXEC:
      become(payload, length);
      return;
    case FROM_INPUT_MODE:
      if (length > 0) set_input_mode(payload[0]);
      return;
    case FROM_SIGNALS:
      forward_signals = length > 0 && payload[0];
      return;
    case FROM_RESUME:
      if (length > 0 && payload[length - 1] != 0) return;
      resume = length > 0 ? must(realloc(resume, length)) : resume;
      if (length > 0) memcpy(resume, payload, length);
      resume_length = length;
      return;
    case FROM_RESTORE:
      terminal_keep_restore(payload, length);
      return;
    case FROM_DIRECT:
      if (!channel_is_used()) go_direct(payload, length);
      return;
    case FROM_KEYS_OPEN:
      if (!channel_is_used()) allow_keys(payload, length);
      return;
    case FROM_KEYS_CLOSE:
      keys_end();
      return;
    case FROM_DIRECT_END:
      if (!direct_stop(true)) leave(128 + SIGPIPE);
      return;
    case FROM_RECONNECT:
      going = true;
      going_since = os_steady_ms();
      return;
    case FROM_LEAVE_KEYS:
      typing_keys(payload, length);
      return;
    case FROM_INPUT_TAKEN:
      note_taken(payload, length);
      return;
    case FROM_TAKEN:
      typing_taken();
      return;
  }
  // a frame of a later version: not meant for us
}

// Deals with what has come, as far as the terminal takes it.
static void process(void) {
  out_blocked = false;
  // the question is not written over
  if (away_is_asking()) {
    out_waits = true;
    return;
  }
  for (;;) {
    size_t have = in_end - in_start;
    if (out_left > 0) {
      size_t piece = have < out_left ? have : out_left;
      if (piece == 0) return;
      ssize_t count = out_stream == 2 && error_gone ? (ssize_t)piece : output_write(out_stream, in + in_start, piece);
      if (count < 0 && out_stream == 1) leave(128 + SIGPIPE);
      if (count < 0) error_gone = true;
      if (count == 0) {
        out_blocked = true;
        return;
      }
      if (count > 0) {
        in_start += (size_t)count;
        out_left -= (size_t)count;
      }
      continue;
    }
    if (have < FRAME_HEADER) return;
    size_t length = get_u32(in + in_start);
    uint8_t type = in[in_start + 4];
    if (length > PAYLOAD_LIMIT) die("the session server (process %d) sent a frame of %zu bytes, at most %d are allowed", (int)server_pid, length, PAYLOAD_LIMIT);
    if (greeted && (type == FROM_STDOUT || type == FROM_STDERR)) {
      if (orphan) end_orphan();
      // it stands between two sequences, and a flood has to make way for it
      out_waits = !direct_at_rest();
      if (out_waits) step_direct();
      if (out_waits && !direct_at_rest()) return;
      out_waits = holds_signals = false;
      in_start += FRAME_HEADER;
      out_left = length;
      out_stream = type == FROM_STDOUT ? 1 : 2;
      continue;
    }
    if (have - FRAME_HEADER < length) return;
    in_start += FRAME_HEADER + length;
    obey(type, in + in_start - length, length);
  }
}

// True while there is room for what the server says; a frame that is not complete always has some.
static bool wants_more(void) {
  return !(out_blocked || out_waits) || in_end - in_start < UNWRITTEN_LIMIT;
}

// Reads from the server; a descriptor that comes along is kept for the frame that it comes with.
static ssize_t receive(uint8_t *into, size_t room) {
  struct iovec part = {into, room};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
  ssize_t count = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
  struct cmsghdr *header = count > 0 ? CMSG_FIRSTHDR(&message) : NULL;
  if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return count;
  int fd;
  memcpy(&fd, CMSG_DATA(header), sizeof fd);
  // more than any frame wants: then what comes next would be taken for another's
  if (passed_count == PASSED_MOST) die("the session server (process %d) sent more descriptors than frames", (int)server_pid);
  passed[passed_count++] = fd;
  return count;
}

static void read_server(void) {
  if (in_start > 0) {
    memmove(in, in + in_start, in_end - in_start);
    in_end -= in_start;
    in_start = 0;
  }
  if (in_room - in_end < READ_PIECE) {
    in_room = in_end + 2 * READ_PIECE;
    in = must(realloc(in, in_room));
  }
  ssize_t count = receive(in + in_end, READ_PIECE);
  if (count > 0) {
    in_end += (size_t)count;
    heard_at = os_steady_ms();
  } else if (count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) lost = true;
}

static void read_input(void) {
  // one read is one frame: what was typed at once stays together
  static uint8_t bytes[READ_PIECE];
  ssize_t count = read(0, bytes, sizeof bytes);
  int answer = count > 0 && away_is_asking() ? away_answer(bytes, (size_t)count) : -1;
  if (answer >= 0) return answered(answer > 0);
  if (count > 0) {
    if (typing_waiting() > 0 || !keys_take(bytes, (size_t)count)) typing_take(bytes, (size_t)count, os_steady_ms());
    return;
  }
  if (count < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) return;
  // a raw terminal has no end of input: it was closed
  if (input_mode == INPUT_RAW) leave(128 + SIGHUP);
  input_ended = true;
}

// What was typed goes on, as far as it need not wait for an answer.
static void send_typed(void) {
  size_t length;
  const uint8_t *payload;
  if (channel_is_used() && (channel_is_silent() || away_is_asking())) {
    // who wants to leave while nothing is heard does so at once
    if (typing_pressed()) leave_frozen();
    return;
  }
  // what went to the holder comes first
  while (reads_input && keys_settled(os_steady_ms()) && unsent_end - unsent_start < UNSENT_LIMIT && (payload = typing_next(&length))) {
    keys_close();
    inputs_sent++;
    if (typing_understood()) {
      send_frame(TO_INPUT_AT, payload, length);
      continue;
    }
    // an older server, which answers nothing
    typing_taken();
    send_frame(TO_INPUT, payload + INPUT_AT_HEADER, length - INPUT_AT_HEADER);
  }
  if (input_ended && !told_end && typing_waiting() == 0) {
    told_end = true;
    send_frame(TO_INPUT_END, NULL, 0);
  }
}

// When a person who has asked in vain is let go; -1: that is not so, or an answer may stand behind what the terminal does not take.
static int64_t leaves_at(void) {
  return out_blocked || out_waits ? -1 : typing_leaves_at(heard_at);
}

static int time_left(void) {
  int64_t end = !greeted ? connected_at + (channel_is_used() ? FAR_HELLO_MS : HELLO_MS) : going ? going_since + GOODBYE_MS : -1;
  int64_t leaves = leaves_at();
  if (leaves >= 0 && (end < 0 || leaves < end)) end = leaves;
  if (end < 0) return -1;
  int64_t left = end - os_steady_ms();
  return left > 0 ? (int)left : 0;
}

// The other machine has fallen silent, or is heard again.
static void hear_channel(void) {
  bool was_silent = channel_is_silent();
  channel_hear();
  channel_network_heard();
  // at its end the connection is, too
  if (channel_fd() < 0) return;
  if (!away_title(channel_is_silent() ? channel_host() : NULL)) leave(128 + SIGPIPE);
  if (!was_silent || channel_is_silent()) return;
  // the title's words may stand in the midst of one of the program's sequences
  tell_size = tell_continued = true;
  ask_if_late(true);
}

// One turn: waits for whatever comes first, and deals with it.
static void turn(void) {
  // a server that follows another has a raw terminal at once; what is typed into that waits until it says how it reads
  bool reads = reads_input || (greeted && input_mode == INPUT_RAW);
  bool typing = reads && !going && !input_ended && unsent_end - unsent_start + typing_waiting() < UNSENT_LIMIT;
  bool listening = !lost && wants_more();
  bool sending = !lost && unsent_start < unsent_end;
  short keys_events;
  struct pollfd slots[] = {
      {holds_signals ? -1 : signal_pipe[0], POLLIN, 0},
      {typing ? 0 : -1, POLLIN, 0},
      {listening || sending ? connection : -1, (short)((listening ? POLLIN : 0) | (sending ? POLLOUT : 0)), 0},
      // without an event asked for, a reader that went away is still told
      {output_fd(out_blocked ? out_stream : 1), out_blocked || direct_waits() ? POLLOUT : 0, 0},
      {out_left > 0 || (out_waits && direct_at_rest()) ? -1 : direct_fd(), POLLIN, 0},
      {keys_fd(&keys_events), 0, 0},
      {channel_fd(), POLLIN, 0},
      // another network: what went through the old one will not come back
      {channel_is_silent() ? channel_network() : -1, POLLIN, 0},
  };
  slots[5].events = keys_events;
  int timeout = time_left(), step = out_left > 0 ? -1 : direct_timeout();
  if (typing_waiting() > 0 && !keys_settled(os_steady_ms()) && (step < 0 || step > KEYS_AGAIN_MS)) step = KEYS_AGAIN_MS;
  int ready = poll(slots, 8, step >= 0 && (timeout < 0 || step < timeout) ? step : timeout);
  if (ready < 0 && errno != EINTR) die("poll: %s", strerror(errno));
  if (ready < 0) return;
  if (ready == 0 && timeout >= 0 && time_left() == 0) {
    if (!greeted) die("the session server (process %d) does not answer; its log is %s/server.log", (int)server_pid, home);
    lost = true;
  }
  // the terminal first
  if (direct_is_on()) step_direct();
  if (slots[0].revents) take_signals();
  if (slots[1].revents) read_input();
  if (slots[5].revents) keys_step();
  if (slots[6].revents) hear_channel();
  if (slots[7].revents && channel_is_silent()) lost = true;
  if (slots[2].revents & (POLLIN | POLLHUP | POLLERR)) read_server();
  if (slots[3].revents & (POLLERR | POLLHUP | POLLNVAL) && !slots[3].events) leave(128 + SIGPIPE);
  process();
  if (leaves_at() >= 0 && os_steady_ms() >= leaves_at()) leave_frozen();
  send_typed();
  send_news();
  flush_unsent();
  if (going && unsent_start == unsent_end) shutdown(connection, SHUT_WR);
  if (lost && !out_blocked) lose();
}

static void open_standard_streams(void) {
  // a descriptor that the caller closed would be given to the next thing we open
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) _exit(STATUS_OURS);
}

static void make_token(void) {
  int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  bool made = fd >= 0 && read(fd, token, sizeof token) == (ssize_t)sizeof token;
  if (!made) die("no random numbers: %s", strerror(errno));
  close(fd);
}

int main(int count, char **arguments) {
  open_standard_streams();
  if (count > 0 && *arguments[0]) {
    const char *slash = strrchr(arguments[0], '/');
    called_as = slash && slash[1] ? slash + 1 : arguments[0];
  }
  first_arguments = arguments + (count > 0);
  first_count = count > 0 ? (size_t)count - 1 : 0;
  // a server sent us on: "falcon @job s4711 attach ..."
  if (first_count >= 2 && !strcmp(first_arguments[0], "@job")) {
    place_order = first_arguments[1];
    first_arguments += 2;
    first_count -= 2;
  }
  if (first_count >= 1 && !strcmp(first_arguments[0], "@channel")) {
    size_t taken = channel_begin(first_arguments + 1, first_count - 1);
    if (taken == 0) _exit(STATUS_OURS);
    first_arguments += 1 + taken;
    first_count -= 1 + taken;
    typing_over_network();
  }
  catch_signals();
  if (first_count >= 1 && !strcmp(first_arguments[0], "bridge")) bridge_run(first_arguments + 1, first_count - 1, wait_for);
  output_open();
  make_token();
  keys_begin(token);
  ask();
  for (;;) turn();
}
