// The socket and the servers behind it: frames in, frames out, each connection with a position in the log of its own.
// Nothing here ever waits: a server that is slow or frozen only falls behind, and what it sends wrong closes its own connection.
#include "frame.h"
#include "holder.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif
#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0
#endif

enum { CONNECTIONS = POLL_SLOTS - 1 };
// Typed bytes that may wait for a program that does not read. Past it the connection is not read from, so that the server notices.
enum { TYPED_LIMIT = 1 << 20 };
// Frames sent to one connection in a row, before the terminal has its turn again: one that catches up must not delay the program.
enum { FRAMES_IN_A_ROW = 4 };
// TYPED tells how far typing has come after this many bytes, and when all of it is done.
enum { TYPED_STEP = 65536 };
// A gap that grows is told again at most this often.
enum { GAP_INTERVAL_MS = 500 };
enum { OFFSET_SIZE = 8 };
enum { GO_SIZE = 20, GO_LIMIT_SIZE = 20 };

struct connection {
  int fd;              // -1: the slot is free, or only its typing is left to deliver
  bool greeted;        // HELLO was sent
  bool subscribed;
  bool told_end;       // EXIT was sent
  bool wants_master;
  bool stalled;        // its next frame waits for room in `typed`
  bool full;           // its socket took nothing more: until poll says otherwise, asking again would only cost a call for each read of a flood
  bool cannot_send;    // its other side takes nothing more, but may have sent something that counts
  bool tell_gap;       // the last gap grew since it was told
  bool tell_size;      // its WINSIZE was done, at this offset
  uint64_t sized_offset;
  uint16_t sized_cols, sized_rows;
  int64_t gap_told_ms;
  uint64_t position;   // the next byte of output to send
  int passed;          // the descriptor that came with GO, -1 otherwise
  uint8_t *outgoing;   // the frame that is being sent
  size_t outgoing_at, outgoing_end;
  uint8_t *incoming;   // what came and is not a whole frame yet, or waits for room in `typed`
  size_t incoming_length;
  uint8_t *typed;      // input that the terminal would not take yet
  size_t typed_at, typed_end;
  uint64_t typed_in, typed_done, typed_told;  // counts of INPUT bytes since the connection began
};

static struct connection connections[CONNECTIONS];
static struct connection *typing;  // whose typing is being delivered: one at a time, a paste is not mixed with another's keys
static int listener = -1;
static char socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
static dev_t socket_device;
static ino_t socket_inode;

static void set_nonblocking(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
}

// ---- the listener

// Makes the folder again, and the one that it is in: somebody may have cleaned up.
static void make_folder(void) {
  char parent[PATH_MAX];
  if (mkdir(session_folder, 0700) == 0 || errno != ENOENT) return;
  snprintf(parent, sizeof parent, "%s", session_folder);
  char *slash = strrchr(parent, '/');
  if (!slash || slash == parent) return;
  *slash = 0;
  mkdir(parent, 0700);
  mkdir(session_folder, 0700);
}

// Binds under a name of its own and renames: a server that connects finds either the old socket or the new one that listens.
bool server_listen(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int length = snprintf(socket_path, sizeof socket_path, "%s/sock", session_folder);
  if (length < 0 || (size_t)length + 1 >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return false;
  }
  memcpy(address.sun_path, socket_path, (size_t)length);
  address.sun_path[length] = '~';
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) return false;
  set_nonblocking(fd);
  unlink(address.sun_path);
  mode_t before = umask(077);
  int bound = bind(fd, (struct sockaddr *)&address, sizeof address);
  umask(before);
  struct stat status;
  if (bound < 0 || listen(fd, 64) < 0 || stat(address.sun_path, &status) < 0 || rename(address.sun_path, socket_path) < 0) {
    int error = errno;
    close(fd);
    unlink(address.sun_path);
    errno = error;
    return false;
  }
  socket_device = status.st_dev;
  socket_inode = status.st_ino;
  if (listener >= 0) close(listener);
  listener = fd;
  return true;
}

static bool path_is_ours(void) {
  struct stat status;
  return stat(socket_path, &status) == 0 && status.st_dev == socket_device && status.st_ino == socket_inode;
}

void server_check_path(void) {
  if (path_is_ours()) return;
  make_folder();
  // where it fails the old listener stays, and the next check tries again
  if (!server_listen()) errno = 0;
}

void server_leave(void) {
  if (listener >= 0 && path_is_ours()) unlink(socket_path);
}

// ---- connections

static bool is_open(const struct connection *c) { return c->fd >= 0; }
static size_t typed_waiting(const struct connection *c) { return c->typed_end - c->typed_at; }

static void forget_typing(struct connection *c) {
  free(c->typed);
  c->typed = NULL;
  c->typed_done += typed_waiting(c);
  c->typed_at = c->typed_end = 0;
  if (typing == c) typing = NULL;
}

// What was typed before the connection went is still delivered.
static void drop(struct connection *c) {
  close(c->fd);
  if (c->passed >= 0) close(c->passed);
  free(c->outgoing);
  free(c->incoming);
  c->fd = c->passed = -1;
  c->outgoing = c->incoming = NULL;
}

static struct connection *free_slot(void) {
  struct connection *slot = NULL;
  for (size_t i = 0; i < CONNECTIONS; i++) {
    struct connection *c = &connections[i];
    if (is_open(c)) continue;
    if (!c->typed) return c;
    slot = c;
  }
  // a program that does not read must not keep servers out for ever
  if (slot) forget_typing(slot);
  return slot;
}

static bool is_welcome(int fd) {
  uid_t uid;
  pid_t pid;
  return os_peer(fd, &uid, &pid) == 0 && (uid == geteuid() || uid == 0);
}

static bool has_free_slot(void) {
  for (size_t i = 0; i < CONNECTIONS; i++)
    if (!is_open(&connections[i])) return true;
  return false;
}

// Who finds no room waits in the backlog: in the next turn those that hung up have made some. Nobody is displaced by a newcomer.
static void accept_all(void) {
  while (has_free_slot()) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return;
    }
    struct connection *c = is_welcome(fd) ? free_slot() : NULL;
    uint8_t *outgoing = c ? malloc(FRAME_HEADER + OFFSET_SIZE + PAYLOAD_LIMIT) : NULL;
    uint8_t *incoming = c ? malloc(FRAME_HEADER + PAYLOAD_LIMIT) : NULL;
    if (!outgoing || !incoming) {
      free(outgoing);
      free(incoming);
      close(fd);
      continue;
    }
    set_nonblocking(fd);
    *c = (struct connection){.fd = fd, .passed = -1, .outgoing = outgoing, .incoming = incoming, .gap_told_ms = INT64_MIN / 2};
  }
}

size_t server_connections(void) {
  size_t count = 0;
  for (size_t i = 0; i < CONNECTIONS; i++) count += is_open(&connections[i]);
  return count;
}

// ---- typing: from INPUT to the terminal

bool server_typing(void) {
  for (size_t i = 0; i < CONNECTIONS; i++)
    if (connections[i].typed) return true;
  return false;
}

// False when there is no room: the frame waits in `incoming`, and the connection with it.
static bool take_typing(struct connection *c, const uint8_t *bytes, size_t length) {
  if (!server_typing()) {
    ssize_t taken = holder_type(bytes, length);
    if (taken < 0) taken = (ssize_t)length;  // no terminal any more: nobody is there to read it
    c->typed_in += (uint64_t)taken;
    c->typed_done += (uint64_t)taken;
    bytes += taken;
    length -= (size_t)taken;
    if (length == 0) return true;
  }
  if (!c->typed && !(c->typed = malloc(TYPED_LIMIT))) {
    c->typed_in += length;
    c->typed_done += length;
    return true;
  }
  if (TYPED_LIMIT - typed_waiting(c) < length) return false;
  if (TYPED_LIMIT - c->typed_end < length) {
    memmove(c->typed, c->typed + c->typed_at, typed_waiting(c));
    c->typed_end -= c->typed_at;
    c->typed_at = 0;
  }
  memcpy(c->typed + c->typed_end, bytes, length);
  c->typed_end += length;
  c->typed_in += length;
  return true;
}

static struct connection *next_typing(void) {
  if (typing && typing->typed) return typing;
  for (size_t i = 0; i < CONNECTIONS; i++)
    if (connections[i].typed) return &connections[i];
  return NULL;
}

static void take_frames(struct connection *c);

void server_deliver_typing(void) {
  while ((typing = next_typing())) {
    struct connection *c = typing;
    ssize_t taken = holder_type(c->typed + c->typed_at, typed_waiting(c));
    if (taken == 0) break;
    if (taken < 0) taken = (ssize_t)typed_waiting(c);
    c->typed_at += (size_t)taken;
    c->typed_done += (uint64_t)taken;
    if (typed_waiting(c) == 0) forget_typing(c);
  }
  for (size_t i = 0; i < CONNECTIONS; i++)
    if (is_open(&connections[i]) && connections[i].stalled) take_frames(&connections[i]);
}

// ---- frames from a server

static bool take_go(struct connection *c, const uint8_t *payload, size_t length) {
  if (length < GO_SIZE || c->passed < 0 || holder_state() != WAITING_FOR_GO) return false;
  size_t limit_count = get_u16(payload + 18);
  if (get_u16(payload) < 1 || length < GO_SIZE + limit_count * GO_LIMIT_SIZE) return false;
  struct orders orders = {
      .umask = get_u16(payload + 2) & 0777,
      .keep = get_u64(payload + 4),
      .oom_score = (int16_t)get_u16(payload + 12),
      .cols = get_u16(payload + 14),
      .rows = get_u16(payload + 16),
      .limit_count = limit_count,
      .limits = payload + GO_SIZE,
  };
  int master = c->passed;
  c->passed = -1;
  if (holder_go(master, &orders)) return true;
  close(master);
  return false;
}

static void subscribe(struct connection *c, uint64_t offset) {
  log_find_base();
  c->subscribed = true;
  c->told_end = false;
  c->position = offset < log_base() ? log_base() : offset > log_end() ? log_end() : offset;
}

// Several that were not told yet become one: only the last size counts.
static void resize(struct connection *c, uint16_t cols, uint16_t rows) {
  holder_resize(cols, rows);
  c->tell_size = true;
  c->sized_offset = log_end();
  c->sized_cols = cols;
  c->sized_rows = rows;
}

enum verdict { TAKEN, NO_ROOM, MALFORMED };

// One frame. Payloads may be longer than what is known of them: a later version may add to their end.
static enum verdict take_frame(struct connection *c, uint8_t type, const uint8_t *payload, size_t length) {
  switch (type) {
    case TO_GO:
      return take_go(c, payload, length) ? TAKEN : MALFORMED;
    case TO_SUBSCRIBE:
      if (length < 8) return MALFORMED;
      subscribe(c, get_u64(payload));
      return TAKEN;
    case TO_INPUT:
      return take_typing(c, payload, length) ? TAKEN : NO_ROOM;
    case TO_WINSIZE:
      if (length < 4) return MALFORMED;
      resize(c, get_u16(payload), get_u16(payload + 2));
      return TAKEN;
    case TO_SIGNAL:
      if (length < 2) return MALFORMED;
      holder_signal(payload[0], payload[1]);
      return TAKEN;
    case TO_FD:
      c->wants_master = true;
      return TAKEN;
    case TO_RELEASE:
      holder_release();
      return TAKEN;
    case TO_KEEP:
      if (length < 8) return MALFORMED;
      log_keep(get_u64(payload));
      return TAKEN;
    default:
      return TAKEN;  // of a later version
  }
}

static void take_frames(struct connection *c) {
  size_t at = 0;
  while (c->incoming_length - at >= FRAME_HEADER) {
    size_t length = get_u32(c->incoming + at);
    if (length > PAYLOAD_LIMIT) {
      drop(c);
      return;
    }
    if (c->incoming_length - at < FRAME_HEADER + length) break;
    enum verdict verdict = take_frame(c, c->incoming[at + 4], c->incoming + at + FRAME_HEADER, length);
    if (verdict == MALFORMED) {
      drop(c);
      return;
    }
    c->stalled = verdict == NO_ROOM;
    if (c->stalled) break;
    at += FRAME_HEADER + length;
  }
  memmove(c->incoming, c->incoming + at, c->incoming_length - at);
  c->incoming_length -= at;
}

// Before GO a descriptor may come along. It is taken even where it makes no sense, for then it has to be closed.
static ssize_t receive(struct connection *c, uint8_t *into, size_t room) {
  if (holder_state() != WAITING_FOR_GO) return recv(c->fd, into, room, 0);
  struct iovec part = {into, room};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(4 * sizeof(int))];
  } control;
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
  ssize_t length = recvmsg(c->fd, &message, MSG_CMSG_CLOEXEC);
  if (length < 0) return length;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    for (size_t at = CMSG_LEN(0); at + sizeof(int) <= header->cmsg_len; at += sizeof(int)) {
      int fd;
      memcpy(&fd, (char *)header + at, sizeof fd);
      if (c->passed >= 0) close(c->passed);
      c->passed = fd;
    }
  }
  return length;
}

static void read_frames(struct connection *c) {
  ssize_t length = receive(c, c->incoming + c->incoming_length, FRAME_HEADER + PAYLOAD_LIMIT - c->incoming_length);
  if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (length <= 0) {
    drop(c);
    return;
  }
  c->incoming_length += (size_t)length;
  take_frames(c);
}

// ---- frames to a server

// Begins a frame; its payload is to be written to what is returned.
static uint8_t *begin_frame(struct connection *c, uint8_t type, size_t length) {
  put_header(c->outgoing, type, length);
  c->outgoing_at = 0;
  c->outgoing_end = FRAME_HEADER + length;
  return c->outgoing + FRAME_HEADER;
}

static void say_hello(struct connection *c) {
  const struct ending *ending = holder_ending();
  uint8_t *to = begin_frame(c, FROM_HELLO, 41);
  put_u16(to, PROTOCOL_VERSION);
  put_u16(to + 2, (uint16_t)holder_flags());
  put_u32(to + 4, (uint32_t)getpid());
  put_u32(to + 8, (uint32_t)holder_program());
  put_u64(to + 12, log_base());
  put_u64(to + 20, log_end());
  to[28] = ending ? 1 : 0;
  put_u32(to + 29, (uint32_t)(holder_exec_error() ? holder_exec_error() : ending ? ending->status : 0));
  put_u64(to + 33, holder_start_ms());
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

// The next output: the bytes that just came, else the log from this connection's position on, else word of a gap.
static void say_output(struct connection *c) {
  uint64_t latest_offset;
  size_t latest_length, length;
  const uint8_t *latest = log_latest(&latest_offset, &latest_length);
  uint8_t *payload = c->outgoing + FRAME_HEADER;
  if (latest_length && c->position >= latest_offset) {
    length = (size_t)(log_end() - c->position);
    memcpy(payload + OFFSET_SIZE, latest + (c->position - latest_offset), length);
  } else {
    uint64_t limit = latest_length ? latest_offset : log_end(), room = limit - c->position;
    length = (size_t)log_read(payload + OFFSET_SIZE, room < PAYLOAD_LIMIT ? (size_t)room : PAYLOAD_LIMIT, c->position);
    if (length == 0) {
      uint64_t missing = log_missing_at(c->position);
      if (missing > room) missing = room;
      say_gap(c, c->position, missing);
      c->position += missing;
      return;
    }
  }
  begin_frame(c, FROM_DATA, OFFSET_SIZE + length);
  put_u64(payload, c->position);
  c->position += length;
}

// Answers with the master: a descriptor can ride on a frame only in a call of its own. Once the program has ended the frame comes without one.
static bool say_master(struct connection *c) {
  int master = holder_master();
  uint8_t frame[FRAME_HEADER];
  put_header(frame, FROM_FD, 0);
  struct iovec part = {frame, sizeof frame};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  memset(&control, 0, sizeof control);
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (master >= 0) {
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &master, sizeof master);
  }
  ssize_t sent = sendmsg(c->fd, &message, MSG_NOSIGNAL);
  if (sent == (ssize_t)sizeof frame) c->wants_master = false;
  else if (sent > 0) c->cannot_send = true;  // a torn frame cannot be mended; the kernel does not tear five bytes
  else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) c->cannot_send = true;
  return !c->wants_master;
}

static bool typed_is_news(const struct connection *c) {
  uint64_t untold = c->typed_done - c->typed_told;
  return untold >= TYPED_STEP || (untold > 0 && c->typed_done == c->typed_in);
}

static bool gap_is_news(const struct connection *c) {
  return c->tell_gap && c->subscribed && (holder_ending() || now_ms() - c->gap_told_ms >= GAP_INTERVAL_MS);
}

static bool end_is_news(const struct connection *c) { return c->subscribed && !c->told_end && c->position == log_end() && holder_ending(); }

static bool has_something_to_say(const struct connection *c) {
  if (!is_open(c) || c->cannot_send || holder_state() == WAITING_FOR_GO) return false;
  return c->outgoing_at < c->outgoing_end || !c->greeted || c->wants_master || c->tell_size || typed_is_news(c) ||
         (c->subscribed && c->position < log_end()) || gap_is_news(c) || end_is_news(c);
}

// Composes the next frame, or sends the descriptor; false when there is nothing (more) to say for now.
static bool say_next(struct connection *c) {
  if (!c->greeted) {
    say_hello(c);
  } else if (c->wants_master) {
    return say_master(c);
  } else if (c->tell_size) {
    uint8_t *payload = begin_frame(c, FROM_SIZED, 12);
    put_u64(payload, c->sized_offset);
    put_u16(payload + 8, c->sized_cols);
    put_u16(payload + 10, c->sized_rows);
    c->tell_size = false;
  } else if (typed_is_news(c)) {
    put_u64(begin_frame(c, FROM_TYPED, 8), c->typed_done);
    c->typed_told = c->typed_done;
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

static void pump(struct connection *c) {
  for (int frames = 0; !c->full && has_something_to_say(c);) {
    if (c->outgoing_at == c->outgoing_end) {
      if (frames++ == FRAMES_IN_A_ROW || !say_next(c)) return;
      continue;
    }
    ssize_t sent = send(c->fd, c->outgoing + c->outgoing_at, c->outgoing_end - c->outgoing_at, MSG_NOSIGNAL);
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

void server_pump(void) {
  for (size_t i = 0; i < CONNECTIONS; i++) pump(&connections[i]);
}

void server_gap_grew(void) {
  for (size_t i = 0; i < CONNECTIONS; i++) connections[i].tell_gap = true;
}

// ---- the main loop's side

void server_begin(void) {
  for (size_t i = 0; i < CONNECTIONS; i++) connections[i] = (struct connection){.fd = -1, .passed = -1};
}

// A connection is asked for input unless what it sent before found no room; a hang-up of one that is not asked would only spin the loop.
size_t server_poll(struct pollfd *slots) {
  slots[0] = (struct pollfd){.fd = has_free_slot() ? listener : -1, .events = POLLIN};
  for (size_t i = 0; i < CONNECTIONS; i++) {
    const struct connection *c = &connections[i];
    short events = (short)((c->stalled ? 0 : POLLIN) | (has_something_to_say(c) ? POLLOUT : 0));
    slots[1 + i] = (struct pollfd){.fd = events ? c->fd : -1, .events = events};
  }
  return POLL_SLOTS;
}

void server_handle(const struct pollfd *slots) {
  for (size_t i = 0; i < CONNECTIONS; i++) {
    struct connection *c = &connections[i];
    if (is_open(c) && slots[1 + i].fd == c->fd && (slots[1 + i].revents & (POLLOUT | POLLHUP | POLLERR))) c->full = false;
    if (is_open(c) && slots[1 + i].fd == c->fd && !c->stalled && (slots[1 + i].revents & (POLLIN | POLLHUP | POLLERR))) read_frames(c);
  }
  if (slots[0].revents & POLLIN) accept_all();
}

bool server_gap_untold(void) {
  for (size_t i = 0; i < CONNECTIONS; i++)
    if (is_open(&connections[i]) && connections[i].tell_gap && connections[i].subscribed &&
        connections[i].outgoing_at == connections[i].outgoing_end)
      return true;
  return false;
}
