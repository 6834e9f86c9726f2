// The connections of a holder, and all state that belongs to them: of the three parts that serve them
// (holder_server.c, holder_typing.c, holder_cursor.c), and of nobody else.
#ifndef FALCON_HOLDER_CONNECTION_H
#define FALCON_HOLDER_CONNECTION_H

#include "system/frame.h"
#include "holder/holder.h"

#include <sys/stat.h>
#include <sys/un.h>

enum {
  CONNECTIONS = POLL_SLOTS - 1,
  // Of these, so many are for viewers at most: a server always finds a place, however many look on.
  VIEWER_PLACES = 48,
  // Typed bytes that may wait for a program that does not read. Past it the connection is not read from, so
  // that the writer notices.
  TYPED_LIMIT = 1 << 20,
  // The last sizes of the terminal that a cursor which lags is still told, each at its place.
  SIZES_KEPT = 1024,
  // Writers whose count is remembered, a bit of `tell_taken` each; of one that was silent for longest, a
  // repetition would not be known any more.
  WRITERS = 64,
  OFFSET_SIZE = 8,
};

// ROLE_SESSION: the connection of a server by which it commands the session, and is told its end without
// reading the output.
enum role { ROLE_SERVER, ROLE_VIEWER, ROLE_SESSION };

struct connection {
  int fd;              // -1: the slot is free, or only its typing is left to deliver
  int slot;            // where poll was asked about it; 0: nowhere
  uint16_t version;    // of the protocol, that it speaks
  uint8_t role;
  bool greeted;        // HELLO was sent
  bool listens_only;   // its other side has shut its half: it says nothing more, and goes on reading
  bool subscribed;
  bool told_end;       // EXIT was sent
  bool wants_master;
  bool stalled;        // its next frame waits: for room in `typed`, or for GO
  // Its socket was full at the last send, and poll has not told since that it takes more. Asking poll alone
  // saves a send(2) for each read of a flood.
  bool full;
  bool cannot_send;    // its other side takes nothing more, but may have sent something that counts
  bool tell_gap;       // the last gap grew since it was told
  bool tell_size;      // its WINSIZE was done, and it has no stream in which that is told
  bool unfinished;     // what it typed last goes on: nobody else types in between
  struct size_mark sized;
  int64_t gap_told_ms;
  uint64_t position;   // the next byte of output to send
  uint64_t next_size;  // the next of the terminal's sizes to tell, counted from the first
  int passed;          // the descriptor that came with GO, -1 otherwise
  uint8_t *outgoing;   // the frame that is being sent
  size_t outgoing_at, outgoing_end;
  uint8_t *incoming;   // what came and is not a whole frame yet, or waits for room in `typed`
  size_t incoming_length;
  uint8_t *typed;      // input that the terminal would not take yet
  size_t typed_at, typed_end;
  uint64_t typed_in, typed_done, typed_told;  // counts of INPUT and KEYS bytes since the connection began
  uint64_t tell_taken; // bit N: the count of server.writers[N], who typed on it by KEYS, is to be told
  uint32_t told_interrupts;
};

// Somebody who types, over any number of connections: so many bytes of theirs were taken.
struct writer {
  uint64_t id, taken;
  int64_t used_ms;
};

_Static_assert(WRITERS <= 64, "tell_taken has a bit for each");

struct server {
  struct connection connections[CONNECTIONS];
  struct connection *typing;  // whose typing is being delivered: one at a time, a paste is not mixed with another's keys
  int64_t turn_ms;            // since when it has been waited for the rest of theirs
  struct writer writers[WRITERS];
  struct size_mark sizes[SIZES_KEPT];  // a ring
  uint64_t size_count;
  uint32_t interrupts;        // interrupt characters by KEYS since this holder began, which servers count
  int64_t served_later_ms;    // since when a little output waits for servers
  int listener;
  int64_t refused_ms;         // since when connections wait for a descriptor; 0: none does
  char socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
  dev_t socket_device;
  ino_t socket_inode;
};
extern struct server server;

static inline bool is_open(const struct connection *c) { return c->fd >= 0; }
// A viewer's connection that has only keys to bring, and may be read from.
static inline bool brings_keys(const struct connection *c) {
  return is_open(c) && c->role == ROLE_VIEWER && !c->subscribed && !c->stalled;
}
static inline size_t typed_waiting(const struct connection *c) { return c->typed_end - c->typed_at; }

// ---- holder_typing.c
// Takes what waited: there is room now, or GO has come.
void typing_take_stalled(void);
// False when there is no room: the frame waits in `incoming`, and the connection with it. `more`: what comes
// next belongs to it.
bool typing_take(struct connection *c, const uint8_t *bytes, size_t length, bool more);
// The same for a writer's bytes behind their first `number`; what was taken already is dropped.
bool typing_take_counted(struct connection *c, uint64_t writer, uint64_t number, const uint8_t *bytes, size_t length, bool more);
// The same for what may be the terminal's interrupt character, which is nothing that the program reads: it is
// counted, and passes by what others have typed. False where it is to be taken as any other byte.
bool typing_interrupt(struct connection *c, uint64_t writer, uint64_t number, const uint8_t *bytes, size_t length);
void typing_forget(struct connection *c);
// The connection is closed; what was typed on it is still delivered.
void typing_left(struct connection *c);

// ---- holder_cursor.c
void cursor_subscribe(struct connection *c, uint64_t offset);
// Whether there is something to send to it that does not wait a little.
bool cursor_speaks(const struct connection *c);

// ---- holder_server.c
void server_take_frames(struct connection *c);

#endif
