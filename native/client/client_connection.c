// The connection to the server, here or on another machine: made, lost, and made again.
#include "client/client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "remote/away.h"
#include "client/direct.h"
#include "system/os.h"
#include "home/start.h"
#include "client/typing.h"

void client_make_token(void) {
  int fd = os_open("/dev/urandom", O_RDONLY | O_CLOEXEC, 0);
  bool made = fd >= 0 && os_read(fd, client.token, sizeof client.token) == (ssize_t)sizeof client.token;
  if (!made) client_die("no random numbers: %s", strerror(errno));
  os_close(fd);
}

bool client_ask_if_late(bool only_unsent) {
  uint8_t bytes[64];
  int64_t since = 0;
  size_t count = typing_held(only_unsent, &since, bytes, sizeof bytes);
  if (count == 0 || os_steady_ms() - since <= LATE_MS) return false;
  client.asks_unsent = only_unsent;
  away_ask(channel_host(), bytes, count < sizeof bytes ? count : sizeof bytes, count);
  return true;
}

void client_answered(bool send) {
  if (!send) typing_drop(client.asks_unsent);
  else typing_renew();
  // of what is dropped the holder may have the first part, which is not to be counted for what comes
  if (!send && !client.asks_unsent) client_make_token();
  client.tell_continued = true;
  client.out_waits = false;
}

// Connects to the server of another machine; once it was attached, for as long as that takes.
static void reach_far(void) {
  char said[512];
  int status;
  bool again = client.resume_length > 0;
  for (;;) {
    channel_network_heard();
    if (client.pause_ms > 0) client_wait_for(channel_network(), client.pause_ms);
    enum channel_result result = channel_open(again, client_wait_for, &client.connection, &client.far, &status, said,
        sizeof said);
    if (result == CHANNEL_OPEN) break;
    // who was asked has said why
    if (!again) client_leave(status);
    if (result == CHANNEL_OVER)
      client_die("the job on %s is over (%s), and the session with it: falcon show says what came of it", channel_host(), said);
    if (result == CHANNEL_REFUSED)
      client_die("%s cannot be reached again without you: %s; the session there goes on, and falcon attach comes back to it",
          channel_host(), *said ? said : "no way is left");
    if (!away_title(channel_host())) client_leave(128 + SIGPIPE);
    int longer = client.pause_ms == 0 ? FIRST_PAUSE_MS : client.pause_ms * 2;
    client.pause_ms = longer < LONGEST_PAUSE_MS ? longer : LONGEST_PAUSE_MS;
  }
  client.server_pid = client.far.server;
  if (!away_title(NULL)) client_leave(128 + SIGPIPE);
  if (again && client_ask_if_late(false)) {
    while (away_is_asking()) client_wait_for(-1, LATE_MS);
    // who thinks for long has lost the server's patience with a client that says nothing
    struct pollfd slot = {client.connection, POLLIN, 0};
    if (os_poll(&slot, 1, 0) > 0 && slot.revents & POLLHUP) {
      os_close(client.connection);
      return reach_far();
    }
  }
  client.away = false;
}

// Connects to our server, which is started where none answers.
static void reach_here(void) {
  char problem[2 * PATH_MAX];
  const char *command = client.first_count > 0 ? client.first_arguments[0] : NULL;
  if (client.resume_length > 0) command = (const char *)client.resume;
  // looked at each time: the folder may have changed hands since
  if (place_find(client.place_order, &client.place, problem, sizeof problem))
    client.connection = start_reach(&client.place, command, client_wait_for, &client.server_pid, problem, sizeof problem);
  if (client.connection >= 0) return;
  // of a batch job that ended while its session was attached the host has what it left
  bool of_job = client.place_order && strcmp(client.place_order, "-");
  if (!of_job || client.resume_length == 0) client_die("%s", problem);
  client.place_order = "-";
  reach_here();
}

void client_ask(void) {
  if (channel_is_used()) reach_far();
  else reach_here();
  client.connected_at = os_steady_ms();
  client.greeted = client.going = client.lost = client.reads_input = false;
  client.holds_signals = client.forward_signals;
  client.inherits = client.resume_length > 0;
  // on a terminal, where the program's output goes on behind it
  if (client.out_left > 0 && client.out_stream == 1 && os_isatty(1)) direct_cut_off();
  client.in_start = client.in_end = client.out_left = 0;
  client.out_blocked = client.out_waits = false;
  while (client.passed_count > 0) os_close(client_take_passed());
  client.unsent_start = client.unsent_end = 0;
  // as somebody else: what the holder has of us is not to be counted for what is typed from now on
  if (client.resume_length > 0 && typing_gave_up()) client_make_token();
  typing_restart();
  client.inputs_sent = 0;
  // the request says the size, and who it is sent to draws everything; a terminal that we have left it is to
  // enter again
  client.tell_size = false;
  client.tell_continued = client.left_terminal;
  client_send_request();
  client_flush();
}

void client_lose(void) {
  os_close(client.connection);
  client.connection = -1;
  if (direct_is_on()) client.orphan = true;
  bool steady = client.greeted && os_steady_ms() - client.connected_at > STEADY_MS;
  // while the system ends a killed server it lets us connect once more: that is the same loss
  bool same = !client.greeted && client.lost_server > 0 && client.lost_server == client.server_pid;
  client.lost_server = client.greeted ? client.server_pid : 0;
  if (!same) client.losses = steady ? 1 : client.losses + 1;
  if (channel_is_used()) {
    if (client.resume_length == 0 && (client.greeted || client.losses > MOST_LOSSES))
      client_die("the connection to %s was lost", channel_host());
    client.away = true;
    away_withdraw();
    client.pause_ms = client.losses == 1 ? 0 : client.pause_ms > 0 ? client.pause_ms : FIRST_PAUSE_MS;
    if (!client.going && !away_title(channel_host())) client_leave(128 + SIGPIPE);
    client_ask();
    return;
  }
  // a server that had not even greeted us was about to end; one that told us to is followed; otherwise only a
  // RESUME makes asking again safe
  if (client.greeted && !client.going && client.resume_length == 0)
    client_die("the session server (process %d) ended the connection; what it was doing stands in %s/server.log",
        (int)client.server_pid, client.place.home);
  if (client.losses > MOST_LOSSES)
    client_die("the connection to the session server was lost %d times in a row; see %s/server.log", client.losses,
        client.place.home);
  if (client.losses > 1) client_wait_for(-1, AGAIN_MS * client.losses);
  // the terminal stays as it is, with what is typed in it, until the next server says how to read it
  client_ask();
}
