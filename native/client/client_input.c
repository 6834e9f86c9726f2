// What is typed: read from the terminal, and passed on to the holder or the server.
#include "client/client.h"

#include <signal.h>
#include <unistd.h>

#include "remote/away.h"
#include "client/direct.h"
#include "client/keys.h"
#include "system/os.h"
#include "client/typing.h"

static void take_typed(const uint8_t *bytes, size_t length) {
  if (length == 0) return;
  if (typing_waiting() > 0 || !keys_take(bytes, length)) typing_take(bytes, length, os_steady_ms());
  else client.expects_echo = direct_is_quiet();
}

// What was read while the question stands: up to its answer it is of what is asked about, behind it it is
// typed now. A read is cut wherever it happens to be.
static void take_answer(const uint8_t *bytes, size_t length) {
  bool yes;
  ssize_t at = away_answer(bytes, length, &yes);
  if (at < 0) return take_typed(bytes, length);
  take_typed(bytes, (size_t)at);
  client_answered(yes);
  take_typed(bytes + at + 1, length - (size_t)at - 1);
}

void client_read_input(void) {
  // one read is one frame: what was typed at once stays together
  static uint8_t bytes[READ_PIECE];
  ssize_t count = os_read(0, bytes, sizeof bytes);
  if (count > 0) return away_is_asking() ? take_answer(bytes, (size_t)count) : take_typed(bytes, (size_t)count);
  if (count < 0 && os_was_early()) return;
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
