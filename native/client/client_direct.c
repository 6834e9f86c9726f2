// The direct way, as the server orders it: output from the holder, keys to it, also while no server is there.
#include "client/client.h"

#include <signal.h>
#include <string.h>

#include "client/direct.h"
#include "client/keys.h"
#include "client/terminal.h"
#include "client/typing.h"

static void tell_place(uint64_t offset, uint8_t blocked_percent) {
  uint8_t payload[9];
  put_u64(payload, offset);
  payload[8] = blocked_percent;
  if (!client.orphan && client_unsent() < UNSENT_LIMIT) client_send(TO_DIRECT_AT, payload, sizeof payload);
}

static void tell_end(uint64_t offset, enum direct_end why) {
  uint8_t payload[9];
  put_u64(payload, offset);
  payload[8] = (uint8_t)why;
  if (!client.orphan) client_send(TO_DIRECT_ENDED, payload, sizeof payload);
}

static const struct direct_reports reports = {tell_place, tell_end};

int client_take_passed(void) {
  if (client.passed_count == 0) return -1;
  int fd = client.passed[0];
  memmove(client.passed, client.passed + 1, --client.passed_count * sizeof *client.passed);
  return fd;
}

void client_go_direct(const uint8_t *payload, size_t length) {
  int holder = client_take_passed();
  if (direct_is_on() && !direct_stop(false)) client_leave(128 + SIGPIPE);
  // what cannot be done is over at once
  if (!direct_begin(holder, payload, length, &reports)) tell_end(length >= 8 ? get_u64(payload) : 0, DIRECT_HOLDER_GONE);
}

void client_allow_keys(const uint8_t *payload, size_t length) {
  if (length < 4 + KEYS_SET) return;
  // an older server does not say whether a descriptor rides on it: it does on the first
  bool carries = length > 4 + KEYS_SET ? payload[4 + KEYS_SET] & KEYS_CARRIES : !keys_have_holder();
  uint8_t interrupt = length > 5 + KEYS_SET ? payload[5 + KEYS_SET] : 0;
  keys_open(payload + 4, interrupt, carries ? client_take_passed() : -1);
  if (get_u32(payload) != client.inputs_sent || typing_waiting() > 0) keys_close();
}

void client_set_title(void) {
  static const char says[] = "\x1b[22;2t\x1b]2;falcon: the session server is being started\x07", back[] = "\x1b[23;2t";
  bool on = client.orphan;
  if (client.titled == on || !direct_at_rest() || client.out_left > 0) return;
  size_t length = on ? sizeof says - 1 : sizeof back - 1;
  ssize_t count = output_write(1, (const uint8_t *)(on ? says : back), length);
  if (count < 0) client_leave(128 + SIGPIPE);
  // a terminal that takes a part of it only is told it again
  if (count > 0 && (size_t)count < length) direct_cut_off();
  else if (count > 0) client.titled = on;
}

void client_step_direct(void) {
  if (client.out_left == 0 && !direct_step(!client.out_waits)) client_leave(128 + SIGPIPE);
  if (client.orphan) client_set_title();
}

void client_end_orphan(void) {
  if (!direct_stop(false)) client_leave(128 + SIGPIPE);
  client.orphan = false;
  client_set_title();
}
