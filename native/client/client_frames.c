// Frames from the server, and what each has the client do.
#include "client/client.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "remote/away.h"
#include "client/direct.h"
#include "client/keys.h"
#include "system/os.h"
#include "system/passing.h"
#include "client/prose.h"
#include "client/terminal.h"
#include "client/typing.h"

static void become(const uint8_t *payload, size_t length) {
  if (channel_is_used()) client_die("the session is not where it was: falcon sessions tells where it is now");
  char **arguments = client_must(calloc(length + 1, sizeof *arguments));
  size_t count = 0;
  if (length == 0 || payload[length - 1] != 0)
    client_die("the session server (process %d) sent an EXEC without an end", (int)client.server_pid);
  for (size_t from = 0; from < length; from += strlen((const char *)payload + from) + 1)
    arguments[count++] = (char *)payload + from;
  if (count < 2) client_die("the session server (process %d) sent an EXEC without a program", (int)client.server_pid);
  terminal_leave(false);
  client_restore_sigpipe();
  // meant for us (src/trainers/falcon/launch/shim.ts)
  unsetenv("FALCON_SESSIONS_SHIM");
  os_execv(arguments[0], arguments + 1);
  int error = errno;
  prose_say(client.called_as, "cannot run %s: %s", arguments[0], strerror(error));
  os_exit(error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE);
}

static void set_input_mode(int mode) {
  if (mode == INPUT_RAW && !terminal_raw()) mode = INPUT_PLAIN;
  if (mode == INPUT_RAW) os_prefer_latency();
  if (mode != INPUT_RAW) terminal_cooked();
  client.input_mode = mode;
  client.reads_input = mode != INPUT_OFF;
  // a terminal whose input was ended (Ctrl+D at a question) has more; what is at its end says so again
  if (client.reads_input) client.input_ended = client.told_end = false;
}

static void greet(const uint8_t *payload, size_t length) {
  if (length < 6) client_die("the session server (process %d) sent a HELLO of %zu bytes", (int)client.server_pid, length);
  unsigned protocol = get_u16(payload);
  if (protocol != PROTOCOL)
    client_die("the session server (process %d, version %.*s) speaks protocol %u and this falcon (%s) speaks %d: use the falcon "
        "that started it, or end it with kill %d (the runs go on) and try again",
        (int)client.server_pid, (int)(length - 6), (const char *)payload + 6, protocol, FALCON_VERSION, PROTOCOL,
        (int)client.server_pid);
  client.greeted = true;
}

// INPUT_TAKEN: how much of what was typed the server has passed on. The first one on a connection says only
// that the server will tell; we answer with INPUT_FROM, where what we send begins.
static void note_passed_on(const uint8_t *payload, size_t length) {
  uint8_t from[8];
  if (length < 16) return;
  if (typing_keeps()) return typing_passed(get_u64(payload), get_u64(payload + 8));
  // too late once input was sent on this connection
  if (client.inputs_sent > 0) return;
  typing_keep();
  put_u64(from, typing_passed_on());
  client_send(TO_INPUT_FROM, from, sizeof from);
}

static void obey(uint8_t type, const uint8_t *payload, size_t length) {
  // a server that ends sends everybody to the next one, also who has just come: its end of the connection
  // says the same
  if (!client.greeted && type == FROM_RECONNECT) return;
  if (type != FROM_HELLO) client.holds_signals = false;
  if (!client.greeted && type != FROM_HELLO)
    client_die("what listens at %s/server.sock (process %d) is no session server", client.place.home, (int)client.server_pid);
  switch (type) {
    case FROM_HELLO:
      greet(payload, length);
      return;
    case FROM_EXIT:
      client_leave(length > 0 ? payload[0] : STATUS_OURS);
    case FROM_EXEC:
      become(payload, length);
      return;
    case FROM_INPUT_MODE:
      if (length > 0) set_input_mode(payload[0]);
      return;
    case FROM_SIGNALS:
      client.forward_signals = length > 0 && payload[0];
      return;
    case FROM_RESUME:
      if (length > 0 && payload[length - 1] != 0) return;
      client.resume = length > 0 ? client_must(realloc(client.resume, length)) : client.resume;
      if (length > 0) memcpy(client.resume, payload, length);
      client.resume_length = length;
      return;
    case FROM_RESUME_SAME:
      client_resume_same();
      return;
    case FROM_RESTORE:
      client.inherits = false;
      terminal_keep_restore(payload, length);
      return;
    case FROM_DIRECT:
      if (!channel_is_used()) client_go_direct(payload, length);
      return;
    case FROM_KEYS_OPEN:
      if (!channel_is_used()) client_allow_keys(payload, length);
      return;
    case FROM_KEYS_CLOSE:
      keys_end();
      return;
    case FROM_DIRECT_END:
      if (!direct_stop(true)) client_leave(128 + SIGPIPE);
      return;
    case FROM_RECONNECT:
      client.going = true;
      client.going_since = os_steady_ms();
      return;
    case FROM_LEAVE_KEYS:
      typing_keys(payload, length);
      return;
    case FROM_INPUT_TAKEN:
      note_passed_on(payload, length);
      return;
    case FROM_TAKEN:
      typing_taken();
      return;
  }
  // a frame of a later version: not meant for us
}

// A reader that has left, or a terminal that is gone, knows that itself; a full disk is told.
static _Noreturn void leave_unwritten(int error) {
  if (error == EPIPE || error == ECONNRESET || error == EIO || os_isatty(1)) client_leave(128 + SIGPIPE);
  client_die("standard output cannot be written: %s; what runs goes on", strerror(error));
}

// Text from the next server that comes before it has taken the terminal says why it cannot go on. The screen
// that the lost server left is put back first, or the text would be wiped away with it.
static void leave_lost_screen(void) {
  client.inherits = false;
  terminal_leave(false);
  terminal_keep_restore(NULL, 0);
}

void client_process(void) {
  client.out_blocked = false;
  // the question is not written over
  if (away_is_asking()) {
    client.out_waits = true;
    return;
  }
  for (;;) {
    size_t have = client.in_end - client.in_start;
    if (client.out_left > 0) {
      size_t piece = have < client.out_left ? have : client.out_left;
      if (piece == 0) return;
      bool drops = client.out_stream == 2 && client.error_gone;
      ssize_t count = drops ? (ssize_t)piece : output_write(client.out_stream, client.in + client.in_start, piece);
      if (count < 0 && client.out_stream == 1) leave_unwritten(errno);
      if (count < 0) client.error_gone = true;
      if (count == 0) {
        client.out_blocked = true;
        return;
      }
      if (count > 0) {
        client.in_start += (size_t)count;
        client.out_left -= (size_t)count;
      }
      continue;
    }
    if (have < FRAME_HEADER) return;
    size_t length = get_u32(client.in + client.in_start);
    uint8_t type = client.in[client.in_start + 4];
    if (length > PAYLOAD_LIMIT)
      client_die("the session server (process %d) sent a frame of %zu bytes, at most %d are allowed", (int)client.server_pid,
          length, PAYLOAD_LIMIT);
    if (client.greeted && (type == FROM_STDOUT || type == FROM_STDERR)) {
      if (client.orphan) client_end_orphan();
      // it stands between two sequences, and a flood has to make way for it
      client.out_waits = !direct_at_rest();
      if (client.out_waits) client_step_direct();
      if (client.out_waits && !direct_at_rest()) return;
      client.out_waits = client.holds_signals = false;
      if (!client.tell_continued) client.left_terminal = false;
      if (type == FROM_STDERR && client.inherits) leave_lost_screen();
      client.in_start += FRAME_HEADER;
      client.out_left = length;
      client.out_stream = type == FROM_STDOUT ? 1 : 2;
      continue;
    }
    if (have - FRAME_HEADER < length) return;
    client.in_start += FRAME_HEADER + length;
    obey(type, client.in + client.in_start - length, length);
  }
}

bool client_wants_more(void) {
  if (!client.out_blocked && !client.out_waits) return true;
  return client.in_end - client.in_start < UNWRITTEN_LIMIT && client.passed_count < PASSED_MOST;
}

bool client_was_told_end(void) {
  size_t at = client.in_start + client.out_left;
  while (at < client.in_end && client.in_end - at >= FRAME_HEADER) {
    size_t length = get_u32(client.in + at);
    if (client.in[at + 4] == FROM_EXIT) return true;
    at += FRAME_HEADER + length;
  }
  return false;
}

// Reads from the server; descriptors that come along are kept for the frames that they come with.
static ssize_t receive(uint8_t *into, size_t room) {
  int passed[RIDERS_MOST];
  size_t count;
  ssize_t length = receive_passed(client.connection, into, room, &(int){0}, passed, &count);
  // client_wants_more keeps to this: with more, what comes next would be taken for another's
  if (client.passed_count + count > PASSED_MOST)
    client_die("the session server (process %d) sent more descriptors than frames", (int)client.server_pid);
  for (size_t i = 0; i < count; i++) client.passed[client.passed_count++] = passed[i];
  return length;
}

void client_read_server(void) {
  if (client.in_start > 0) {
    memmove(client.in, client.in + client.in_start, client.in_end - client.in_start);
    client.in_end -= client.in_start;
    client.in_start = 0;
  }
  if (client.in_room - client.in_end < READ_PIECE) {
    client.in_room = client.in_end + 2 * READ_PIECE;
    client.in = client_must(realloc(client.in, client.in_room));
  }
  ssize_t count = receive(client.in + client.in_end, READ_PIECE);
  if (count > 0) {
    client.in_end += (size_t)count;
    client.heard_at = os_steady_ms();
  } else if (count == 0 || !os_was_early()) client.lost = true;
}
