// falcon: the thin client. It says who calls (arguments, environment, folder, terminal), copies bytes between
// the terminal and the session server, and obeys the server's frames (docs/design/protocol.md). It knows no
// command. Here is its turn: it waits for whatever comes first, and has it dealt with.
#include "client/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "remote/away.h"
#include "remote/bridge.h"
#include "client/direct.h"
#include "client/keys.h"
#include "system/os.h"
#include "client/terminal.h"
#include "client/typing.h"

struct client client = {.called_as = "falcon", .connection = -1};

int client_wait_for(int fd, int ms) {
  int64_t end = os_steady_ms() + ms;
  for (;;) {
    short keys_events;
    bool reads = client.input_mode == INPUT_RAW && !client.input_ended && typing_waiting() < UNSENT_LIMIT;
    struct pollfd slots[] = {
        {fd, POLLIN, 0},
        {client.forward_signals ? -1 : client.signal_pipe[0], POLLIN, 0},
        {client.out_left > 0 ? -1 : direct_fd(), POLLIN, 0},
        {direct_waits() ? output_fd(1) : -1, POLLOUT, 0},
        {reads ? 0 : -1, POLLIN, 0},
        {keys_fd(&keys_events), 0, 0},
    };
    slots[5].events = keys_events;
    int64_t leaves = typing_leaves_at(client.heard_at), left = (leaves >= 0 && leaves < end ? leaves : end) - os_steady_ms();
    int timeout = left > 0 ? (int)left : 0, step = client.out_left > 0 ? -1 : direct_timeout(!client.out_waits);
    if (os_poll(slots, 6, step >= 0 && step < timeout ? step : timeout) < 0 && errno != EINTR) return 0;
    if (direct_is_on() || direct_waits()) client_step_direct();
    if (slots[4].revents) client_read_input();
    if (slots[5].revents) keys_step();
    if (slots[1].revents) client_take_signals();
    // while the other machine is away, a key that leaves lets the person go; any other is a reason to try
    // again at once
    if (client.away && slots[4].revents) {
      if (typing_pressed()) client_leave_frozen();
      return 2;
    }
    leaves = typing_leaves_at(client.heard_at);
    if (leaves >= 0 && os_steady_ms() >= leaves) client_leave_frozen();
    if (slots[0].revents) return 1;
    // it may have come while we stood still (a stop, a sleep of the machine)
    if (os_steady_ms() >= end) return os_poll(slots, 1, 0) > 0;
  }
}

// When a person who has asked in vain is let go; -1: that is not so, or an answer may stand behind what the
// terminal does not take.
static int64_t leaves_at(void) {
  bool waits = client.out_blocked || client.out_waits;
  // of a server that is gone nothing more comes, but an end that it has said
  bool answer_may_stand_behind = waits && (!client.lost || client_was_told_end());
  return answer_may_stand_behind ? -1 : typing_leaves_at(client.heard_at);
}

static int time_left(void) {
  int64_t leaves = leaves_at(), end = -1;
  if (!client.greeted) end = client.connected_at + (channel_is_used() ? FAR_HELLO_MS : HELLO_MS);
  else if (client.going) end = client.going_since + GOODBYE_MS;
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
  if (!away_title(channel_is_silent() ? channel_host() : NULL)) client_leave(128 + SIGPIPE);
  if (!was_silent || channel_is_silent()) return;
  // the title's words may stand in the midst of one of the program's sequences
  client.tell_size = client.tell_continued = true;
  client_ask_if_late(true);
}

// One turn: waits for whatever comes first, and deals with it.
static void turn(void) {
  // a server that follows another has a raw terminal at once; what is typed into that waits until it says how
  // it reads
  bool reads = client.reads_input || (client.greeted && client.input_mode == INPUT_RAW);
  bool typing = reads && !client.going && !client.input_ended && client_unsent() + typing_waiting() < UNSENT_LIMIT;
  bool listening = !client.lost && client_wants_more();
  bool sending = !client.lost && client.unsent_start < client.unsent_end;
  // a server that has sent us on reads no more: a signal is the next one's
  bool holds_signals = client.holds_signals || (client.going && client.forward_signals);
  short keys_events;
  struct pollfd slots[] = {
      {holds_signals ? -1 : client.signal_pipe[0], POLLIN, 0},
      {typing ? 0 : -1, POLLIN, 0},
      {listening || sending ? client.connection : -1, (short)((listening ? POLLIN : 0) | (sending ? POLLOUT : 0)), 0},
      // without an event asked for, a reader that went away is still told
      {output_fd(client.out_blocked ? client.out_stream : 1), client.out_blocked || direct_waits() ? POLLOUT : 0, 0},
      {client.out_left > 0 || (client.out_waits && direct_at_rest()) ? -1 : direct_fd(), POLLIN, 0},
      {keys_fd(&keys_events), 0, 0},
      {channel_fd(), POLLIN, 0},
      // another network: what went through the old one will not come back
      {channel_is_silent() ? channel_network() : -1, POLLIN, 0},
  };
  slots[5].events = keys_events;
  int timeout = time_left(), step = client.out_left > 0 ? -1 : direct_timeout(!client.out_waits);
  if (typing_waiting() > 0 && !keys_settled(os_steady_ms()) && (step < 0 || step > KEYS_AGAIN_MS)) step = KEYS_AGAIN_MS;
  if (step >= 0 && (timeout < 0 || step < timeout)) timeout = step;
  int ready = os_poll_awake(slots, 8, timeout, client.expects_echo ? ECHO_US : 0);
  client.expects_echo = false;
  if (ready < 0 && errno != EINTR) client_die("poll: %s", strerror(errno));
  if (ready < 0) return;
  if (ready == 0 && timeout >= 0 && time_left() == 0) {
    if (!client.greeted)
      client_die("the session server (process %d) does not answer; its log is %s/server.log", (int)client.server_pid,
          client.place.home);
    client.lost = true;
  }
  if (slots[0].revents) client_take_signals();
  // before the output: in a flood something is there to be shown at each turn
  if (slots[1].revents) client_read_input();
  if (direct_is_on() || direct_waits()) client_step_direct();
  if (slots[5].revents) keys_step();
  if (slots[6].revents) hear_channel();
  if (slots[7].revents && channel_is_silent()) client.lost = true;
  if (slots[2].revents & (POLLIN | POLLHUP | POLLERR)) client_read_server();
  if (slots[3].revents & (POLLERR | POLLHUP | POLLNVAL) && !slots[3].events) client_leave(128 + SIGPIPE);
  client_process();
  if (client.titled != client.orphan) client_set_title();
  int64_t leaves = leaves_at();
  if (leaves >= 0 && os_steady_ms() >= leaves) client_leave_frozen();
  client_send_typed();
  client_send_news();
  client_flush();
  if (client.going && client.unsent_start == client.unsent_end) os_shutdown(client.connection, SHUT_WR);
  // what a server says at its end waits for the terminal, and is not asked of the next one
  if (client.lost && !client.out_blocked && !(client.out_waits && client_was_told_end())) client_lose();
}

static void open_standard_streams(void) {
  // a descriptor that the caller closed would be given to the next thing we open
  for (int fd = 0; fd <= 2; fd++)
    if (os_fcntl(fd, F_GETFD, 0) < 0 && os_open("/dev/null", O_RDWR, 0) < 0) os_exit(STATUS_OURS);
}

int main(int count, char **arguments) {
  open_standard_streams();
  if (count > 0 && *arguments[0]) {
    const char *slash = strrchr(arguments[0], '/');
    client.called_as = slash && slash[1] ? slash + 1 : arguments[0];
  }
  client.first_arguments = arguments + (count > 0);
  client.first_count = count > 0 ? (size_t)count - 1 : 0;
  // a server sent us on: "falcon @job s4711 attach ..."
  if (client.first_count >= 2 && !strcmp(client.first_arguments[0], "@job")) {
    client.place_order = client.first_arguments[1];
    client.first_arguments += 2;
    client.first_count -= 2;
  }
  if (client.first_count >= 1 && !strcmp(client.first_arguments[0], "@channel")) {
    size_t taken = channel_begin(client.first_arguments + 1, client.first_count - 1);
    if (taken == 0) os_exit(STATUS_OURS);
    client.first_arguments += 1 + taken;
    client.first_count -= 1 + taken;
    typing_over_network();
  }
  client_catch_signals();
  if (client.first_count >= 1 && !strcmp(client.first_arguments[0], "bridge"))
    bridge_run(client.first_arguments + 1, client.first_count - 1, client_wait_for);
  output_open();
  client_make_token();
  keys_begin(client.token);
  client_ask();
  for (;;) turn();
}
