// Sends each connection of the holder its frames, viewers first: HELLO, the output from its own offset on,
// sizes and holes at their places in it, and the end.
#include "holder/holder_connection.h"
#include "system/passing.h"

#include <errno.h>
#include <string.h>

enum {
  // Frames sent to one connection in a row, before the terminal has its turn again: one that catches up must
  // not delay the program.
  FRAMES_IN_A_ROW = 4,
  // TYPED tells how far typing has come after this many bytes, and when all of it is done.
  TYPED_STEP = 65536,
  // A gap that grows is told again at most this often.
  GAP_INTERVAL_MS = 500,
  // While a viewer is served, servers hear of a little output, and who types that it was taken, so much later
  // (ms): their wake-ups compete with the program's and the viewer's for the processor (an echo after 199
  // instead of 297 us, by the servers' alone).
  SERVED_LATER_MS = 2,
  LITTLE_OUTPUT = 4096,
};

// ---- sizes, each at its offset

static const struct size_mark *size_at(uint64_t index) { return &server.sizes[index % SIZES_KEPT]; }

static uint64_t oldest_size(void) { return server.size_count > SIZES_KEPT ? server.size_count - SIZES_KEPT : 0; }

void server_sized(uint64_t offset, uint16_t cols, uint16_t rows) {
  server.sizes[server.size_count++ % SIZES_KEPT] = (struct size_mark){offset, cols, rows};
}

// The next size that this cursor is to be told in its stream; NULL where none is left. Version 1 is answered
// instead.
static const struct size_mark *next_size(const struct connection *c) {
  uint64_t next = c->next_size < oldest_size() ? oldest_size() : c->next_size;
  return c->version >= 2 && next < server.size_count ? size_at(next) : NULL;
}

static bool size_is_due(const struct connection *c) {
  const struct size_mark *next = next_size(c);
  return c->subscribed && next && next->offset <= c->position;
}

// Several that begin at one place become one: only the last counts.
static struct size_mark take_size(struct connection *c) {
  const struct size_mark *mark = NULL;
  if (c->next_size < oldest_size()) c->next_size = oldest_size();
  while (c->next_size < server.size_count && size_at(c->next_size)->offset <= c->position) mark = size_at(c->next_size++);
  return *mark;
}

void cursor_subscribe(struct connection *c, uint64_t offset) {
  log_find_base();
  c->subscribed = true;
  c->told_end = false;
  // one that began before is not met in the stream while its bytes are still in memory
  c->tell_gap = log_last_gap() != NULL;
  // in version 2 what is not retained is a hole in the stream
  uint64_t first = c->version >= 2 ? 0 : log_base();
  c->position = offset < first ? first : offset > log_end() ? log_end() : offset;
  // it is told the size that holds there first
  c->next_size = oldest_size();
  while (c->next_size + 1 < server.size_count && size_at(c->next_size + 1)->offset <= c->position) c->next_size++;
}

// ---- composing

// Begins a frame; its payload is to be written to what is returned.
static uint8_t *begin_frame(struct connection *c, uint8_t type, size_t length) {
  put_header(c->outgoing, type, length);
  c->outgoing_at = 0;
  c->outgoing_end = FRAME_HEADER + length;
  return c->outgoing + FRAME_HEADER;
}

static void say_hello(struct connection *c) {
  const struct ending *ending = holder_ending();
  uint8_t *to = begin_frame(c, FROM_HELLO, 43);
  put_u16(to, PROTOCOL_VERSION);
  put_u16(to + 2, (uint16_t)holder_flags());
  put_u32(to + 4, (uint32_t)os_getpid());
  put_u32(to + 8, (uint32_t)holder_program());
  put_u64(to + 12, log_base());
  put_u64(to + 20, log_end());
  to[28] = ending ? 1 : 0;
  put_u32(to + 29, (uint32_t)(holder_exec_error() ? holder_exec_error() : ending ? ending->status : 0));
  put_u64(to + 33, holder_start_ms());
  put_u16(to + 41, PROTOCOL_HIGHEST);
  c->greeted = true;
}

static void say_end(struct connection *c, const struct ending *ending) {
  uint8_t *to = begin_frame(c, FROM_EXIT, 44);
  put_u32(to, (uint32_t)ending->status);
  put_u64(to + 4, ending->end);
  put_u64(to + 12, ending->time_ms);
  put_u64(to + 20, ending->user_us);
  put_u64(to + 28, ending->system_us);
  put_u64(to + 36, ending->peak_kib);
  c->told_end = true;
}

static void say_gap(struct connection *c, uint64_t offset, uint64_t length) {
  uint8_t *to = begin_frame(c, FROM_GAP, 16);
  put_u64(to, offset);
  put_u64(to + 8, length);
}

static void say_size(struct connection *c, struct size_mark size) {
  uint8_t *to = begin_frame(c, FROM_SIZED, 12);
  put_u64(to, size.offset);
  put_u16(to + 8, size.cols);
  put_u16(to + 10, size.rows);
}

// The bytes from its position on cannot be had; the stream goes on behind them. Version 1 knows of what could
// not be stored, and takes what was let go of from the next offset.
static void pass_over(struct connection *c, uint64_t length, enum hole_reason reason) {
  if (c->version >= 2) {
    uint8_t *to = begin_frame(c, FROM_HOLE, 17);
    put_u64(to, c->position);
    put_u64(to + 8, length);
    to[16] = reason;
  } else if (reason == HOLE_NOT_STORED) say_gap(c, c->position, length);
  c->position += length;
}

// The next output: the bytes that just came, else the log from this connection's position on, else word of a
// hole.
static void say_output(struct connection *c) {
  uint64_t latest_offset, until = log_end();
  size_t latest_length, length;
  const uint8_t *latest = log_latest(&latest_offset, &latest_length);
  const struct size_mark *size = next_size(c);
  if (size && size->offset < until) until = size->offset;
  uint8_t *payload = c->outgoing + FRAME_HEADER;
  if (latest_length && c->position >= latest_offset) {
    length = (size_t)(until - c->position);
    memcpy(payload + OFFSET_SIZE, latest + (c->position - latest_offset), length);
  } else {
    if (latest_length && latest_offset < until) until = latest_offset;
    uint64_t room = until - c->position;
    length = (size_t)log_read(payload + OFFSET_SIZE, room < PAYLOAD_LIMIT ? (size_t)room : PAYLOAD_LIMIT, c->position);
    // asked after the read: what has not been freed by now was read as it was written
    uint64_t freed = log_freed_to(c->position);
    if (freed) return pass_over(c, freed < until ? freed - c->position : room, HOLE_FREED);
    if (length == 0) {
      uint64_t missing = log_missing_at(c->position);
      return pass_over(c, missing < room ? missing : room, HOLE_NOT_STORED);
    }
  }
  begin_frame(c, FROM_DATA, OFFSET_SIZE + length);
  put_u64(payload, c->position);
  c->position += length;
}

// Answers with the master: a descriptor can ride on a frame only in a call of its own. Once the program has
// ended the frame comes without one.
static bool say_master(struct connection *c) {
  int master = holder_master();
  uint8_t frame[FRAME_HEADER];
  put_header(frame, FROM_FD, 0);
  ssize_t sent = send_passing(c->fd, frame, sizeof frame, &master, master >= 0 ? 1 : 0);
  if (sent == (ssize_t)sizeof frame) c->wants_master = false;
  // a torn frame cannot be mended; the kernel does not tear five bytes
  else if (sent > 0 || !os_was_early()) c->cannot_send = true;
  return !c->wants_master;
}

// ---- what is news

static bool typed_is_news(const struct connection *c) {
  uint64_t untold = c->typed_done - c->typed_told;
  return untold >= TYPED_STEP || (untold > 0 && c->typed_done == c->typed_in);
}

// A viewer meets a gap in its stream, and nowhere else.
static bool gap_is_untold(const struct connection *c) {
  return c->tell_gap && c->subscribed && c->role != ROLE_VIEWER;
}

static bool gap_is_news(const struct connection *c) {
  return gap_is_untold(c) && (holder_ending() || now_ms() - c->gap_told_ms >= GAP_INTERVAL_MS);
}

static bool end_is_news(const struct connection *c) {
  bool hears = c->subscribed ? c->position == log_end() : c->role == ROLE_SESSION;
  return hears && !c->told_end && holder_ending();
}

static bool interrupts_are_news(const struct connection *c) {
  return c->role == ROLE_SESSION && c->told_interrupts != server.interrupts;
}

static bool has_news(const struct connection *c) {
  if (!is_open(c) || c->cannot_send || holder_state() == WAITING_FOR_GO) return false;
  return c->outgoing_at < c->outgoing_end || !c->greeted || c->wants_master || c->tell_size || c->tell_taken ||
         typed_is_news(c) || interrupts_are_news(c) || size_is_due(c) || (c->subscribed && c->position < log_end()) ||
         gap_is_news(c) || end_is_news(c);
}

// Composes the next frame, or sends the descriptor; false when there is nothing (more) to say for now.
static bool say_next(struct connection *c) {
  if (!c->greeted) {
    say_hello(c);
  } else if (c->wants_master) {
    return say_master(c);
  } else if (c->tell_size) {
    say_size(c, c->sized);
    c->tell_size = false;
  } else if (c->tell_taken) {
    const struct writer *writer = &server.writers[__builtin_ctzll(c->tell_taken)];
    uint8_t *to = begin_frame(c, FROM_TAKEN, 16);
    put_u64(to, writer->id);
    put_u64(to + 8, writer->taken);
    c->tell_taken &= c->tell_taken - 1;
  } else if (typed_is_news(c)) {
    put_u64(begin_frame(c, FROM_TYPED, 8), c->typed_done);
    c->typed_told = c->typed_done;
  } else if (interrupts_are_news(c)) {
    put_u32(begin_frame(c, FROM_INTERRUPTED, 4), server.interrupts);
    c->told_interrupts = server.interrupts;
  } else if (size_is_due(c)) {
    say_size(c, take_size(c));
  } else if (c->subscribed && c->position < log_end()) {
    say_output(c);
  } else if (gap_is_news(c)) {
    const struct gap *gap = log_last_gap();
    if (gap) say_gap(c, gap->offset, gap->length);
    c->tell_gap = false;
    c->gap_told_ms = now_ms();
  } else if (end_is_news(c)) {
    say_end(c, holder_ending());
  } else {
    return false;
  }
  return true;
}

// Sends what there is to send, a bounded amount.
static void cursor_pump(struct connection *c) {
  for (int frames = 0; !c->full && has_news(c);) {
    if (c->outgoing_at == c->outgoing_end) {
      if (frames++ == FRAMES_IN_A_ROW || !say_next(c)) return;
      continue;
    }
    ssize_t sent = os_send(c->fd, c->outgoing + c->outgoing_at, c->outgoing_end - c->outgoing_at, MSG_NOSIGNAL);
    if (sent > 0) {
      c->outgoing_at += (size_t)sent;
    } else {
      if (errno == EINTR) continue;
      c->full = errno == EAGAIN || errno == EWOULDBLOCK;
      c->cannot_send = !c->full;
      return;
    }
  }
}

// ---- whom to serve first

// Whether what there is to say to it may wait a little, since a viewer hears of the output now.
static bool may_wait(const struct connection *c) {
  if (!c->greeted || c->outgoing_at < c->outgoing_end || c->wants_master || c->tell_size || holder_ending()) return false;
  if (c->role == ROLE_VIEWER) return !c->subscribed;
  if (c->role == ROLE_SESSION) return !c->tell_taken && c->typed_done == c->typed_told;
  return c->subscribed && !c->tell_taken && c->typed_done == c->typed_told && log_end() - c->position <= LITTLE_OUTPUT;
}

static bool is_viewer(const struct connection *c) { return is_open(c) && c->role == ROLE_VIEWER && c->subscribed; }

bool cursor_speaks(const struct connection *c) {
  return has_news(c) && !(server.served_later_ms && may_wait(c));
}

void server_pump(void) {
  bool viewed = false, later = false;
  int64_t now = now_ms();
  for (size_t i = 0; i < CONNECTIONS; i++) {
    if (!is_viewer(&server.connections[i])) continue;
    cursor_pump(&server.connections[i]);
    viewed = true;
  }
  for (size_t i = 0; i < CONNECTIONS; i++) {
    struct connection *c = &server.connections[i];
    if (!is_open(c) || is_viewer(c)) continue;
    if (viewed && may_wait(c) && has_news(c)) {
      if (server.served_later_ms == 0) server.served_later_ms = now;
      if (now - server.served_later_ms < SERVED_LATER_MS) {
        later = true;
        continue;
      }
    }
    cursor_pump(c);
  }
  if (!later) server.served_later_ms = 0;
}

bool server_gap_untold(void) {
  for (size_t i = 0; i < CONNECTIONS; i++) {
    const struct connection *c = &server.connections[i];
    if (is_open(c) && gap_is_untold(c) && c->outgoing_at == c->outgoing_end) return true;
  }
  return false;
}

int64_t server_later_end(void) { return server.served_later_ms ? server.served_later_ms + SERVED_LATER_MS : 0; }
