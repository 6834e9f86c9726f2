// What is typed: read from the terminal, and passed on to the holder or the server.
#include "client.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "away.h"
#include "keys.h"
#include "os.h"
#include "typing.h"

void client_read_input(void) {
  // one read is one frame: what was typed at once stays together
  static uint8_t bytes[READ_PIECE];
  ssize_t count = read(0, bytes, sizeof bytes);
  int answer = count > 0 && away_is_asking() ? away_answer(bytes, (size_t)count) : -1;
  if (answer >= 0) return client_answered(answer > 0);
  if (count > 0) {
    if (typing_waiting() > 0 || !keys_take(bytes, (size_t)count)) typing_take(bytes, (size_t)count, os_steady_ms());
    return;
  }
  if (count < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) return;
  // a raw terminal has no end of input: it was closed
  if (client.input_mode == INPUT_RAW) client_leave(128 + SIGHUP);
  client.input_ended = true;
}

void client_send_typed(void) {
  size_t length;
  const uint8_t *payload;
  if (channel_is_used() && (channel_is_silent() || away_is_asking())) {
    // who wants to leave while nothing is heard does so at once
    if (typing_pressed()) client_leave_frozen();
    return;
  }
  // what went to the holder comes first
  while (client.reads_input && keys_settled(os_steady_ms()) && client_unsent() < UNSENT_LIMIT &&
         (payload = typing_next(&length))) {
    keys_close();
    client.inputs_sent++;
    if (typing_understood()) {
      client_send(TO_INPUT_AT, payload, length);
      continue;
    }
    // an older server, which answers nothing
    typing_taken();
    client_send(TO_INPUT, payload + INPUT_AT_HEADER, length - INPUT_AT_HEADER);
  }
  if (client.input_ended && !client.told_end && typing_waiting() == 0) {
    client.told_end = true;
    client_send(TO_INPUT_END, NULL, 0);
  }
}
