// See relay.h. A record: u32 length · u8 type · payload, as a frame of both protocols. DATA and ASK of the
// client's side begin with u64 its steady clock.
#include "remote/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system/frame.h"
#include "system/os.h"

enum { DATA = 1, END = 2, ASK = 3, PULSE = 4, INFO = 5 };

enum {
  // So much of what the carrier brought waits for the socket: more, and the carrier is not read.
  INBOUND_ROOM = 1 << 20,
  OUTBOUND_ROOM = 4 * (RELAY_RECORD_MOST + FRAME_HEADER),
  ERRORS_PIECE = 1024,
  // So much may stand before the greeting.
  NOISE_MOST = 64 << 10,
  // The quickest way is forgotten by so many thousandths of the time that passes: clocks drift by a tenth of
  // that.
  FORGETS = 1,
  TIME = 8,
};

struct buffer {
  uint8_t *bytes;
  size_t room, start, end;
};

struct state {
  const struct relay *relay;
  struct buffer raw, inbound, outbound;
  bool greeted;
  bool socket_ended, end_sent, end_heard, end_passed;
  int64_t heard_at, asked_at;  // asked_at 0: an answer is owed by nobody
  bool silent;
  bool broken, foreign;
  // The far side's: the least difference between its clock at an arrival and the client's at the sending.
  int64_t quickest, measured_at;
  bool measured, late;
};

static size_t held(const struct buffer *b) { return b->end - b->start; }

static uint8_t *room_in(struct buffer *b, size_t length) {
  if (b->start == b->end) b->start = b->end = 0;
  if (b->end + length > b->room && b->start > 0) {
    memmove(b->bytes, b->bytes + b->start, held(b));
    b->end -= b->start;
    b->start = 0;
  }
  if (b->end + length > b->room) {
    b->room = (b->end + length) * 2;
    b->bytes = realloc(b->bytes, b->room);
    if (!b->bytes) _exit(125);
  }
  return b->bytes + b->end;
}

static void add(struct buffer *b, const void *bytes, size_t length) {
  memcpy(room_in(b, length), bytes, length);
  b->end += length;
}

static void send_record(struct state *s, uint8_t type, const void *payload, size_t length) {
  uint8_t header[FRAME_HEADER];
  put_header(header, type, length);
  add(&s->outbound, header, sizeof header);
  if (length > 0) add(&s->outbound, payload, length);
}

static void ask(struct state *s, int64_t now) {
  uint8_t time[TIME];
  if (!s->relay->asks || !s->greeted || s->asked_at) return;
  s->asked_at = now;
  put_u64(time, (uint64_t)now);
  send_record(s, ASK, time, sizeof time);
}

// Whether what the client sent then was too long on its way: only the two clocks' differences are compared,
// never the clocks.
static void measure(struct state *s, const uint8_t *payload, size_t length) {
  if (length < TIME) {
    s->foreign = true;
    return;
  }
  int64_t now = os_steady_ms(), way = now - (int64_t)get_u64(payload);
  if (s->measured) s->quickest += (now - s->measured_at) * FORGETS / 1000;
  if (!s->measured || way < s->quickest) s->quickest = way;
  s->measured = true;
  s->measured_at = now;
  s->late |= way - s->quickest > RELAY_LATE_MS;
}

// Finds the greeting's line behind what a start-up file may have printed.
static bool find_greeting(struct state *s) {
  static const char greeting[] = "\n" RELAY_GREETING;
  size_t length = sizeof greeting - 1;
  struct buffer *raw = &s->raw;
  uint8_t *at = memmem(raw->bytes + raw->start, held(raw), greeting, length);
  uint8_t *end = at ? memchr(at + length, '\n', (size_t)(raw->bytes + raw->end - at) - length) : NULL;
  s->foreign = end ? atoi((char *)at + length) != RELAY_VERSION : held(raw) > NOISE_MOST;
  if (!end || s->foreign) return false;
  raw->start = (size_t)(end + 1 - raw->bytes);
  return true;
}

static void take_record(struct state *s, uint8_t type, const uint8_t *payload, size_t length) {
  switch (type) {
    case DATA:
      if (!s->relay->asks) {
        measure(s, payload, length);
        if (s->late || s->foreign) return;
        payload += TIME;
        length -= TIME;
      }
      if (!s->end_heard) add(&s->inbound, payload, length);
      return;
    case END:
      s->end_heard = true;
      return;
    case ASK:
      // only the client's side asks
      if (s->relay->asks) return;
      // one that is late by itself types nothing
      if (length >= TIME) {
        bool late = s->late;
        measure(s, payload, length);
        s->late = late;
      }
      // what waits to be sent is an answer as good: one that asks and takes nothing has us keep no more
      if (held(&s->outbound) == 0) send_record(s, PULSE, NULL, 0);
      return;
    case INFO:
      if (s->relay->asks) s->relay->greeted(payload, length);
      return;
  }
  // a later version's, not meant for us
}

static void take_records(struct state *s) {
  struct buffer *raw = &s->raw;
  if (!s->greeted && !(s->greeted = find_greeting(s))) return;
  while (held(raw) >= FRAME_HEADER && held(&s->inbound) < INBOUND_ROOM) {
    const uint8_t *at = raw->bytes + raw->start;
    size_t length = get_u32(at);
    if (length > RELAY_RECORD_MOST) {
      s->foreign = true;
      return;
    }
    if (held(raw) < FRAME_HEADER + length) return;
    raw->start += FRAME_HEADER + length;
    take_record(s, at[4], at + FRAME_HEADER, length);
  }
}

static void read_carrier(struct state *s, int64_t now) {
  ssize_t count = read(s->relay->in, room_in(&s->raw, RELAY_RECORD_MOST), RELAY_RECORD_MOST);
  if (count > 0) {
    s->raw.end += (size_t)count;
    s->heard_at = now;
    s->asked_at = 0;
  } else if (count == 0 || !os_was_early()) s->broken = true;
}

static void read_socket(struct state *s) {
  uint8_t bytes[RELAY_RECORD_MOST];
  size_t head = s->relay->asks ? TIME : 0;
  ssize_t count = read(s->relay->socket, bytes + head, sizeof bytes - head);
  if (head > 0) put_u64(bytes, (uint64_t)os_steady_ms());
  if (count > 0) send_record(s, DATA, bytes, head + (size_t)count);
  else if (count == 0 || !os_was_early()) s->socket_ended = true;
}

// What goes without waiting. False: nobody takes it any more.
static bool write_some(int fd, struct buffer *b) {
  while (held(b) > 0) {
    ssize_t count = write(fd, b->bytes + b->start, held(b));
    if (count > 0) b->start += (size_t)count;
    else if (errno == EINTR) continue;
    else return os_was_early();
  }
  return true;
}

static void tell_silent(struct state *s, bool silent) {
  if (s->silent == silent) return;
  s->silent = silent;
  s->relay->silent(silent);
}

static void step(struct state *s, const struct pollfd *slots, int64_t now) {
  const struct relay *relay = s->relay;
  uint8_t bytes[ERRORS_PIECE];
  if (slots[3].revents) {
    ssize_t count = read(relay->errors, bytes, sizeof bytes);
    if (count > 0) relay->said(bytes, (size_t)count);
  }
  if (slots[1].revents & (POLLIN | POLLHUP | POLLERR)) read_carrier(s, now);
  take_records(s);
  if (slots[0].revents & POLLIN) {
    read_socket(s);
    ask(s, now);
  }
  if (s->socket_ended && !s->end_sent && s->greeted) {
    s->end_sent = true;
    send_record(s, END, NULL, 0);
  }
  // who takes nothing more may have said something still: its end is read
  if (!write_some(relay->socket, &s->inbound)) {
    s->inbound.start = s->inbound.end;
    s->end_passed = true;
  }
  // what there was no room for; of a carrier that has ended nothing else would be a reason to go on
  take_records(s);
  if (s->end_heard && held(&s->inbound) == 0 && !s->end_passed) {
    s->end_passed = true;
    shutdown(relay->socket, SHUT_WR);
  }
  if (!write_some(relay->out, &s->outbound)) s->outbound.start = s->outbound.end;
}

// Milliseconds until something is due.
static int due_in(const struct state *s, int64_t now, bool listening) {
  if (!s->greeted) return -1;
  int64_t due;
  if (!s->relay->asks) due = s->heard_at + RELAY_DESERTED_MS;
  else if (!listening) return RELAY_PULSE_MS;
  else if (!s->asked_at) due = s->heard_at + RELAY_PULSE_MS;
  else due = s->asked_at + (s->silent ? RELAY_LOST_MS : RELAY_SILENT_MS);
  return due > now ? (int)(due - now) : 0;
}

static bool is_over(const struct state *s, enum relay_end *end) {
  if (s->end_sent && s->end_passed && held(&s->outbound) == 0) *end = RELAY_CLOSED;
  else if (s->broken && held(&s->inbound) == 0) *end = RELAY_BROKEN;
  else if (s->foreign) *end = RELAY_BROKEN;
  else return false;
  return true;
}

enum relay_end relay_run(const struct relay *relay) {
  struct state s = {.relay = relay, .greeted = !relay->asks, .heard_at = os_steady_ms()};
  enum relay_end end;
  bool errors = relay->errors >= 0;
  // the greeting's line is found at the beginning, too
  if (relay->asks) add(&s.raw, "\n", 1);
  for (;;) {
    // what cannot be passed on is not read, and then nobody is silent
    bool listening = !s.broken && held(&s.inbound) < INBOUND_ROOM;
    bool reads = s.greeted && !s.socket_ended && held(&s.outbound) < OUTBOUND_ROOM;
    // that a server is gone is heard once all that it said is read
    bool hears = reads || s.socket_ended || relay->asks;
    bool over = s.socket_ended && s.end_passed;
    struct pollfd slots[] = {
        {!over && (hears || held(&s.inbound) > 0) ? relay->socket : -1,
         (short)((reads ? POLLIN : 0) | (held(&s.inbound) > 0 ? POLLOUT : 0)), 0},
        {listening ? relay->in : -1, POLLIN, 0},
        {held(&s.outbound) > 0 && !s.broken ? relay->out : -1, POLLOUT, 0},
        {errors ? relay->errors : -1, POLLIN, 0},
    };
    int64_t now = os_steady_ms();
    if (!listening) s.heard_at = now, s.asked_at = 0;
    if (poll(slots, 4, due_in(&s, now, listening)) < 0) {
      if (errno == EINTR) continue;
      return RELAY_BROKEN;
    }
    now = os_steady_ms();
    if (slots[3].revents & (POLLHUP | POLLERR) && !(slots[3].revents & POLLIN)) errors = false;
    bool deserted = hears && slots[0].revents & (POLLHUP | POLLERR) && !(slots[0].revents & POLLIN);
    // the server has closed its side after its last word, which the far client is still to have
    if (deserted && !relay->asks) s.socket_ended = s.end_passed = true;
    step(&s, slots, now);
    if (s.late) return RELAY_LATE;
    if (is_over(&s, &end)) return end;
    if (deserted && relay->asks) return RELAY_LEFT;
    if (!s.greeted) continue;
    if (!s.asked_at) tell_silent(&s, false);
    if (!relay->asks) {
      if (now - s.heard_at >= RELAY_DESERTED_MS) return RELAY_LOST;
      continue;
    }
    if (s.asked_at && now - s.asked_at >= RELAY_LOST_MS) return RELAY_LOST;
    if (s.asked_at && now - s.asked_at >= RELAY_SILENT_MS) tell_silent(&s, true);
    if (listening && !s.asked_at && now - s.heard_at >= RELAY_PULSE_MS) ask(&s, now);
  }
}

bool relay_greet(int out, const uint8_t *info, size_t length) {
  char line[64];
  uint8_t header[FRAME_HEADER];
  size_t head = (size_t)snprintf(line, sizeof line, "\n" RELAY_GREETING "%d\n", RELAY_VERSION);
  put_header(header, INFO, length);
  return write(out, line, head) == (ssize_t)head && write(out, header, sizeof header) == (ssize_t)sizeof header &&
         write(out, info, length) == (ssize_t)length;
}
