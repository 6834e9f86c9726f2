// The client's whole main loop against a hostile server, terminal and user, in process: client*.c themselves,
// with the system calls that they make played by the input. The first third of the input says what happens
// next, the rest is what the server sends.
#include "driver.h"

#include <setjmp.h>
#include <string.h>

#include <sys/socket.h>

ssize_t played_recvmsg(int fd, struct msghdr *message, int flags);
int played_shutdown(int fd, int how);

#define main client_main
#define read played_read
#define write played_write
#define poll played_poll
#define close played_close
#define shutdown played_shutdown
#define execv played_execv
#define _exit played_exit
#define raise played_raise
#define recvmsg played_recvmsg
#include "../../../native/remote/away.c"
#include "../../../native/client/client.c"
#include "../../../native/client/client_connection.c"
#include "../../../native/client/client_direct.c"
#include "../../../native/client/client_end.c"
#include "../../../native/client/client_frames.c"
#include "../../../native/client/client_input.c"
#include "../../../native/client/client_request.c"
#include "../../../native/client/client_sending.c"
#include "../../../native/client/client_signals.c"
#include "../../../native/client/prose.c"
#include "../../../native/client/typing.c"
#undef main
#undef read
#undef write
#undef poll
#undef close
#undef shutdown
#undef execv
#undef _exit
#undef raise
#undef recvmsg

enum { CONNECTION = 1000, SIGNALS = 1001, OUTPUT = 1002, TYPED_ROOM = 1 << 22, MOST_TURNS = 20000 };

static jmp_buf over;
static const uint8_t *script, *stream;
static size_t script_left, stream_left;
static int64_t clock_ms;
static unsigned connections, turns;
static bool stream_ended, typing_ended, write_failed;

// What must be: stdout and stderr get the payloads of STDOUT and STDERR in order; the server gets what was
// typed in order.
static uint8_t shown[1 << 20], owed[1 << 20];
static size_t shown_length, owed_length;
static uint8_t sent[TYPED_ROOM];
static size_t sent_length;
static uint64_t typed_count, told_count;
// Of a connection on which nothing typed was sent yet: from where on it may begin, as the server counts what
// it takes (INPUT_FROM) or does not.
static bool tells_first;
static uint64_t told_kept, told_rest;
static uint8_t header[FRAME_HEADER];
static size_t header_length, payload_left;

static unsigned next(void) {
  if (script_left == 0) return 0;
  script_left--;
  return *script++;
}

_Noreturn static void leave_target(int why) { longjmp(over, why); }

// ---- what they link to

bool place_find(const char *order, struct place *found, char *problem, size_t room) {
  (void)order;
  if (next() == 255) {
    snprintf(problem, room, "no home");
    return false;
  }
  strcpy(found->home, "/home/x");
  found->may_start = true;
  return true;
}

// Follows the stream that the client reads, to know what it owes the terminal.
static void follow(const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (header_length < FRAME_HEADER) {
      header[header_length++] = bytes[i];
      if (header_length < FRAME_HEADER) continue;
      payload_left = get_u32(header);
      if (payload_left == 0) header_length = 0;
      continue;
    }
    if ((header[4] == FROM_STDOUT || header[4] == FROM_STDERR) && owed_length < sizeof owed) owed[owed_length++] = bytes[i];
    if (--payload_left == 0) header_length = 0;
  }
}

// The frames that the client sent: whole, within the limit, of types that there are.
static void check_sent(void) {
  size_t at = 0;
  while (at + FRAME_HEADER <= sent_length) {
    size_t length = get_u32(sent + at);
    uint8_t type = sent[at + 4];
    fuzz_require(length <= PAYLOAD_LIMIT, "no frame of ours is longer than the limit");
    fuzz_require((type >= TO_HELLO && type <= TO_SCHEDULING) || (type >= TO_INPUT && type <= TO_INPUT_FROM), "frames of ours have types that there are");
    if (at + FRAME_HEADER + length > sent_length) break;
    if (type == TO_INPUT || type == TO_INPUT_AT) {
      size_t head = type == TO_INPUT_AT ? INPUT_AT_HEADER : 0;
      fuzz_require(length > head && length <= head + READ_PIECE, "INPUT and INPUT_AT are at most one read");
      if (tells_first) told_count = told_rest;
      tells_first = false;
      // typed bytes count up, so that one that is lost, doubled or moved is seen
      for (size_t i = head; i < length; i++) fuzz_require(sent[at + FRAME_HEADER + i] == (uint8_t)told_count++, "what was typed arrives in order");
    }
    if (type == TO_INPUT_FROM) {
      fuzz_require(tells_first && length == 8, "where it goes on is told once, and first");
      told_count = told_kept;
      tells_first = false;
    }
    at += FRAME_HEADER + length;
  }
  memmove(sent, sent + at, sent_length - at);
  sent_length -= at;
}

// What was typed before this record.
static uint64_t typed_before(size_t record) {
  uint64_t bytes = 0;
  for (size_t at = record; at < waiting_end; at += 4 + get_u32(waiting + at)) bytes += get_u32(waiting + at) - INPUT_AT_HEADER;
  return typed_count - bytes;
}

int start_reach(const struct place *asked, const char *command, patience *wait, pid_t *pid, char *problem, size_t room) {
  (void)asked, (void)command;
  if (next() == 255 || connections++ > 8) {
    snprintf(problem, room, "nobody listens");
    return -1;
  }
  if (next() > 250) wait(-1, 10);
  *pid = 77;
  stream_ended = false;
  // what was on its way to the server before goes again to one that counts, and is lost with any other
  sent_length = 0;
  tells_first = true;
  told_kept = typed_before(waiting_start);
  told_rest = typed_before(again_end > waiting_sent ? again_end : waiting_sent);
  write_failed = false;
  header_length = payload_left = 0;
  return CONNECTION;
}

void terminal_size(uint16_t *cols, uint16_t *rows) {
  *cols = (uint16_t)(next() * 3);
  *rows = (uint16_t)next();
}
bool terminal_raw(void) { return next() < 200; }
void terminal_cooked(void) {}
static uint8_t *restoring;
void terminal_keep_restore(const uint8_t *bytes, size_t length) {
  free(restoring);
  restoring = length ? malloc(length) : NULL;
  if (restoring) memcpy(restoring, bytes, length);
}
bool terminal_write(const uint8_t *bytes, size_t length) { return (void)bytes, (void)length, true; }
void terminal_leave(bool torn) { (void)torn; }
void terminal_crash(void) {}
void output_open(void) {}
int output_fd(int stream_number) { return OUTPUT + stream_number; }
ssize_t output_write(int stream_number, const uint8_t *bytes, size_t length) {
  unsigned way = next();
  fuzz_require(stream_number == 1 || stream_number == 2, "output goes to stdout or stderr");
  if (way > 250) return -1;
  if (way > 200) return 0;
  if (way > 100 && length > way) length = way - 100;
  for (size_t i = 0; i < length && shown_length < sizeof shown; i++) shown[shown_length++] = bytes[i];
  return (ssize_t)length;
}
void os_prefer_latency(void) {}
bool os_oom_score(int *score) { return (void)score, false; }
size_t os_processors(uint8_t mask[OS_PROCESSORS_ROOM]) {
  mask[0] = 1;
  return 1;
}

int64_t os_steady_ms(void) { return clock_ms; }

// ---- the system calls

// The direct way is never there: no descriptor comes here. test/fuzz/native/filter_target.c has the filter,
// test/e2e/attached/direct.test.ts the rest.
ssize_t played_read(int fd, void *into, size_t room);

bool direct_begin(int holder, const uint8_t *payload, size_t length, const struct direct_reports *to) {
  (void)payload;
  (void)length;
  (void)to;
  fuzz_require(holder == -1, "no descriptor came");
  return false;
}
bool direct_is_on(void) { return false; }
int direct_fd(void) { return -1; }
bool direct_waits(void) { return false; }
bool direct_is_quiet(void) { return false; }
int direct_timeout(bool reads) {
  (void)reads;
  return -1;
}
bool direct_step(bool reads) {
  (void)reads;
  return true;
}
bool direct_at_rest(void) { return true; }
void direct_cut_off(void) {}
bool direct_stop(bool tell) {
  (void)tell;
  return true;
}

// Nor are keys sent to a holder.
void keys_begin(const uint8_t token[16]) { (void)token; }
void keys_open(const uint8_t set[KEYS_SET], uint8_t interrupt, int holder) {
  (void)set;
  (void)interrupt;
  fuzz_require(holder == -1, "no descriptor came");
}
void keys_close(void) {}
void keys_end(void) {}
bool keys_have_holder(void) { return false; }
bool keys_take(const uint8_t *bytes, size_t length) {
  (void)bytes;
  (void)length;
  return false;
}
bool keys_settled(int64_t now) { return now >= 0; }
int keys_fd(short *events) {
  *events = 0;
  return -1;
}
void keys_step(void) {}

// Nor is the server another machine's: test/hosts has that.
bool channel_is_used(void) { return false; }
const char *channel_host(void) { return ""; }
size_t channel_begin(char **rest, size_t count) {
  (void)rest;
  (void)count;
  return 0;
}
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
_Noreturn void bridge_run(char **rest, size_t count, patience *wait) {
  (void)rest, (void)count, (void)wait;
  abort();
}

ssize_t played_recvmsg(int fd, struct msghdr *message, int flags) {
  (void)flags;
  message->msg_controllen = 0;
  return played_read(fd, message->msg_iov->iov_base, message->msg_iov->iov_len);
}

ssize_t played_read(int fd, void *into, size_t room) {
  if (fd == CONNECTION) {
    if (stream_left == 0) stream_ended = true;
    if (stream_ended) return next() > 250 ? (errno = ECONNRESET, -1) : 0;
    size_t count = script_left ? 1 + (size_t)next() * 5 : room;
    if (count > room) count = room;
    if (count > stream_left) count = stream_left;
    memcpy(into, stream, count);
    follow(stream, count);
    stream += count;
    stream_left -= count;
    return (ssize_t)count;
  }
  if (fd == 0) {
    unsigned way = next();
    if (typing_ended || way == 0) {
      typing_ended = true;
      return 0;
    }
    if (way > 252) return errno = way == 253 ? EIO : EAGAIN, -1;
    size_t count = way > 240 ? room : way;
    for (size_t i = 0; i < count; i++) ((uint8_t *)into)[i] = (uint8_t)typed_count++;
    return (ssize_t)count;
  }
  if (fd == SIGNALS) {
    static const uint8_t numbers[] = {SIGWINCH, SIGCONT, SIGTSTP, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1};
    unsigned way = script_left ? next() : 1;
    if (way & 1) return errno = EAGAIN, -1;
    *(uint8_t *)into = numbers[(way >> 1) % sizeof numbers];
    return 1;
  }
  return errno = EBADF, -1;
}

ssize_t played_write(int fd, const void *bytes, size_t length) {
  if (fd == 2) return (ssize_t)length;  // a sentence
  fuzz_require(fd == CONNECTION, "nothing is written elsewhere");
  unsigned way = next();
  if (way > 253 || write_failed) {
    write_failed = true;
    return errno = EPIPE, -1;
  }
  if (way > 250) return errno = EAGAIN, -1;
  if (way > 200 && length > way) length = way;
  if (sent_length + length > sizeof sent) length = sizeof sent - sent_length;
  memcpy(sent + sent_length, bytes, length);
  sent_length += length;
  check_sent();
  return (ssize_t)length;
}

int played_poll(struct pollfd *slots, nfds_t count, int timeout) {
  int ready = 0;
  if (++turns > MOST_TURNS) leave_target(2);
  unsigned way = script_left ? next() : 0xff;
  for (nfds_t i = 0; i < count; i++) {
    slots[i].revents = 0;
    if (slots[i].fd < 0) continue;
    bool happens = slots[i].fd == SIGNALS ? way > 220 && script_left : way & (1u << (i & 3)) || (slots[i].events & POLLOUT && way & 0x10);
    if (!happens) continue;
    if (slots[i].fd >= OUTPUT && !slots[i].events) {
      if (way == 0xfe) slots[i].revents = POLLERR;
    } else slots[i].revents = slots[i].events;
    ready += slots[i].revents != 0;
  }
  if (ready == 0) {
    // without a time limit something must happen at last; a script that is at its end lets everything happen
    clock_ms += timeout >= 0 ? timeout : 100;
    if (way == 0x20) return errno = EINTR, -1;
  }
  clock_ms += next() == 254 ? 20000 : 1;
  return ready;
}

int played_close(int fd) {
  (void)fd;
  return 0;
}
int played_shutdown(int fd, int how) {
  (void)how;
  fuzz_require(fd == CONNECTION, "only our side of the connection is ended");
  fuzz_require(write_failed || tells_first || told_count == typed_before(waiting_sent), "a server that goes has got every key");
  return 0;
}
int played_execv(const char *path, char *const words[]) {
  size_t length = strlen(path);
  for (char *const *word = words; *word; word++) length += strlen(*word) + 1;
  fuzz_require(length <= PAYLOAD_LIMIT && words[0], "EXEC names a program and its name");
  errno = ENOENT;
  return -1;
}
int played_raise(int number) { return number == SIGTSTP ? 0 : -1; }
void played_exit(int status) {
  fuzz_require(status >= 0 && status <= 255, "the status is one");
  leave_target(1);
}

// ---- one input

void fuzz_one(const uint8_t *bytes, size_t length) {
  static char *words[] = {"falcon", "attach", "x", NULL};
  static char *variables[] = {"PATH=/bin", "HOME=/home/x", NULL};
  environ = variables;
  script = bytes;
  script_left = length / 3;
  stream = bytes + script_left;
  stream_left = length - script_left;
  clock_ms = 1000;
  connections = turns = 0;
  stream_ended = typing_ended = write_failed = false;
  shown_length = owed_length = sent_length = 0;
  typed_count = told_count = 0;
  header_length = payload_left = 0;

  // what was allocated is used again
  uint8_t *in = client.in, *unsent = client.unsent;
  size_t in_room = client.in_room, unsent_room = client.unsent_room;
  free(client.resume);
  client = (struct client){
      .called_as = "falcon",
      .connection = -1,
      .in = in,
      .in_room = in_room,
      .unsent = unsent,
      .unsent_room = unsent_room,
      .signal_pipe = {SIGNALS, SIGNALS},
      .first_arguments = words + 1,
      .first_count = 2,
  };
  typing_restart();
  key_count = waiting_start = waiting_end = waiting_sent = again_end = 0;
  read_before = typed = 0;
  kept = understood = unanswered = false;

  if (setjmp(over) == 0) {
    client_ask();
    for (;;) {
      turn();
      fuzz_require(client.in_room <= PAYLOAD_LIMIT + UNWRITTEN_LIMIT + 4 * READ_PIECE + FRAME_HEADER, "what the server says is held within its bound");
      fuzz_require(client_unsent() <= UNSENT_MOST + READ_PIECE, "what is to be sent is held within its bound");
      // each press of a read that consists of them is kept by itself
      fuzz_require(typing_waiting() <= UNSENT_LIMIT + (4 + INPUT_AT_HEADER + 1) * READ_PIECE, "what is typed is held within its bound");
      fuzz_require(client.resume_length <= PAYLOAD_LIMIT, "RESUME is within the limit");
    }
  }
  // what was shown is what was owed, as far as it went (stderr may have lost its reader)
  fuzz_require(shown_length <= owed_length || owed_length == sizeof owed, "nothing is shown that was not sent");
  if (!client.error_gone) fuzz_require(memcmp(shown, owed, shown_length < owed_length ? shown_length : owed_length) == 0, "output is shown in order");
}
