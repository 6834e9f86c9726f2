// From whoever types to the terminal: one queue, in which nobody's bytes land inside another's.
#include "holder/holder_connection.h"
#include "system/os.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>

// The rest of a paste or of a sequence is waited for so long; then somebody else has a turn. A writer that
// hangs must not lock others out.
enum { LONGEST_TURN_MS = 1000 };

static bool waits_for_room(void) {
  for (size_t i = 0; i < CONNECTIONS; i++)
    if (server.connections[i].typed) return true;
  return false;
}

void typing_forget(struct connection *c) {
  free(c->typed);
  c->typed = NULL;
  c->typed_done += typed_waiting(c);
  c->typed_at = c->typed_end = 0;
  if (server.typing == c && !c->unfinished) server.typing = NULL;
}

void typing_left(struct connection *c) {
  c->unfinished = false;
  if (server.typing == c && !c->typed) server.typing = NULL;
}

bool typing_take(struct connection *c, const uint8_t *bytes, size_t length, bool more) {
  bool others = server.typing && server.typing != c;
  if (!others && !waits_for_room()) {
    ssize_t taken = holder_type(bytes, length);
    if (taken < 0) taken = (ssize_t)length;  // no terminal any more: nobody is there to read it
    c->typed_in += (uint64_t)taken;
    c->typed_done += (uint64_t)taken;
    bytes += taken;
    length -= (size_t)taken;
  }
  if (length > 0 && !c->typed && !(c->typed = malloc(TYPED_LIMIT))) {
    c->typed_in += length;
    c->typed_done += length;
    length = 0;
  }
  if (length > 0) {
    if (TYPED_LIMIT - typed_waiting(c) < length) return false;
    if (TYPED_LIMIT - c->typed_end < length) {
      memmove(c->typed, c->typed + c->typed_at, typed_waiting(c));
      c->typed_end -= c->typed_at;
      c->typed_at = 0;
    }
    memcpy(c->typed + c->typed_end, bytes, length);
    c->typed_end += length;
    c->typed_in += length;
  }
  c->unfinished = more;
  if (others) return true;
  server.typing = c->typed || more ? c : NULL;
  server.turn_ms = now_ms();
  return true;
}

static struct writer *find_writer(uint64_t id) {
  struct writer *oldest = &server.writers[0];
  for (size_t i = 0; i < WRITERS; i++) {
    if (server.writers[i].id == id && server.writers[i].used_ms) return &server.writers[i];
    if (server.writers[i].used_ms < oldest->used_ms) oldest = &server.writers[i];
  }
  *oldest = (struct writer){.id = id};
  return oldest;
}

// The holder has this writer's first so many bytes, and says so to who sent them.
static void note_taken(struct connection *c, struct writer *known, uint64_t count) {
  if (count > known->taken) known->taken = count;
  known->used_ms = now_ms() + 1;
  c->tell_taken |= (uint64_t)1 << (known - server.writers);
}

bool typing_take_counted(struct connection *c, uint64_t writer, uint64_t number, const uint8_t *bytes, size_t length, bool more) {
  struct writer *known = find_writer(writer);
  uint64_t had = known->taken > number ? known->taken - number : 0;
  size_t skip = had < length ? (size_t)had : length;
  if (!typing_take(c, bytes + skip, length - skip, more)) return false;
  // who sent it counts it as a whole, with what was had already
  c->typed_in += skip;
  c->typed_done += skip;
  note_taken(c, known, number + length);
  return true;
}

static bool interrupts(uint8_t byte) {
  struct termios mode;
  return holder_master() >= 0 && os_tcgetattr(holder_master(), &mode) == 0 && mode.c_lflag & ISIG &&
         mode.c_cc[VINTR] == byte;
}

bool typing_interrupt(struct connection *c, uint64_t writer, uint64_t number, const uint8_t *bytes, size_t length) {
  struct writer *known = find_writer(writer);
  if (length != 1 || known->taken > number || !interrupts(*bytes)) return false;
  // a frame that waited for room is counted already
  if (!c->stalled) server.interrupts++;
  // behind what this one typed itself, or where the terminal has no room, it has its turn as any other byte
  if (c->typed || holder_type(bytes, length) != 1) return false;
  note_taken(c, known, number + length);
  c->typed_in += length;
  c->typed_done += length;
  return true;
}

bool server_keys_wait(void) {
  struct pollfd slots[CONNECTIONS];
  nfds_t count = 0;
  for (size_t i = 0; i < CONNECTIONS; i++) {
    const struct connection *c = &server.connections[i];
    if (brings_keys(c)) slots[count++] = (struct pollfd){.fd = c->fd, .events = POLLIN};
  }
  return count > 0 && os_poll(slots, count, 0) > 0;
}

// Whose typing is to be delivered now; NULL where none waits, or what waits has to until another's is whole.
static struct connection *next_typing(void) {
  struct connection *c = server.typing;
  if (c && c->typed) return c;
  if (c && c->unfinished && now_ms() - server.turn_ms < LONGEST_TURN_MS) return NULL;
  server.typing = NULL;
  for (size_t i = 0; i < CONNECTIONS && !server.typing; i++)
    if (server.connections[i].typed) server.typing = &server.connections[i];
  return server.typing;
}

bool server_typing(void) { return next_typing() != NULL; }

int64_t server_turn_end(void) {
  struct connection *c = server.typing;
  return c && !c->typed && waits_for_room() ? server.turn_ms + LONGEST_TURN_MS : 0;
}

void typing_take_stalled(void) {
  for (size_t i = 0; i < CONNECTIONS; i++)
    if (is_open(&server.connections[i]) && server.connections[i].stalled) server_take_frames(&server.connections[i]);
}

void server_deliver_typing(void) {
  for (struct connection *c; (c = next_typing());) {
    ssize_t taken = holder_type(c->typed + c->typed_at, typed_waiting(c));
    if (taken == 0) break;
    if (taken < 0) taken = (ssize_t)typed_waiting(c);
    c->typed_at += (size_t)taken;
    c->typed_done += (uint64_t)taken;
    server.turn_ms = now_ms();
    if (typed_waiting(c) == 0) typing_forget(c);
  }
  typing_take_stalled();
}
