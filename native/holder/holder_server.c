// The socket of the holder: accepts servers, and viewers that read the output themselves, and obeys the
// frames that they send; what goes out is holder_cursor.c's. Nothing here ever waits: a reader that is slow
// or frozen only falls behind, and what one sends wrong closes its own connection.
#include "holder/holder_connection.h"
#include "system/os.h"
#include "system/passing.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { GO_SIZE = 20, GO_LIMIT_SIZE = 20, KEYS_HEAD = 17, KEYS_MORE = 1, KEYS_INTERRUPT = 2 };

// Between two attempts to take a connection for which there is no descriptor or memory: it waits in the
// backlog, and a listener that is polled meanwhile is always ready.
enum { ACCEPT_PAUSE_MS = 100 };

struct server server;

// ---- the listener

// Makes the folder again, and the one that it is in: somebody may have cleaned up.
static void make_folder(void) {
  char parent[PATH_MAX];
  if (os_mkdir(session_folder, 0700) == 0 || errno != ENOENT) return;
  snprintf(parent, sizeof parent, "%s", session_folder);
  char *slash = strrchr(parent, '/');
  if (!slash || slash == parent) return;
  *slash = 0;
  os_mkdir(parent, 0700);
  os_mkdir(session_folder, 0700);
}

// Binds under a name of its own and renames: a server that connects finds either the old socket or the new
// one that listens.
bool server_listen(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int length = snprintf(server.socket_path, sizeof server.socket_path, "%s/sock", session_folder);
  if (length < 0 || (size_t)length + 1 >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return false;
  }
  memcpy(address.sun_path, server.socket_path, (size_t)length);
  address.sun_path[length] = '~';
  int fd = os_socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) return false;
  os_set_own(fd);
  os_unlink(address.sun_path);
  mode_t before = os_umask(077);
  int bound = os_bind(fd, (struct sockaddr *)&address, sizeof address);
  os_umask(before);
  struct stat status;
  if (bound < 0 || os_listen(fd, 64) < 0 || os_stat(address.sun_path, &status) < 0 ||
      os_rename(address.sun_path, server.socket_path) < 0) {
    int error = errno;
    os_close(fd);
    os_unlink(address.sun_path);
    errno = error;
    return false;
  }
  server.socket_device = status.st_dev;
  server.socket_inode = status.st_ino;
  if (server.listener >= 0) os_close(server.listener);
  server.listener = fd;
  return true;
}

static bool path_is_ours(void) {
  struct stat status;
  return os_stat(server.socket_path, &status) == 0 && status.st_dev == server.socket_device &&
         status.st_ino == server.socket_inode;
}

void server_check_path(void) {
  if (path_is_ours()) return;
  make_folder();
  // where it fails the old listener stays, and the next check tries again
  if (!server_listen()) errno = 0;
}

void server_leave(void) {
  if (server.listener >= 0 && path_is_ours()) os_unlink(server.socket_path);
}

// ---- connections

// What was typed before the connection went is still delivered.
static void drop(struct connection *c) {
  os_close(c->fd);
  if (c->passed >= 0) os_close(c->passed);
  free(c->outgoing);
  free(c->incoming);
  c->fd = c->passed = -1;
  c->outgoing = c->incoming = NULL;
  c->incoming_length = 0;
  typing_left(c);
}

static struct connection *free_slot(void) {
  struct connection *slot = NULL;
  for (size_t i = 0; i < CONNECTIONS; i++) {
    struct connection *c = &server.connections[i];
    if (is_open(c)) continue;
    if (!c->typed) return c;
    slot = c;
  }
  // a program that does not read must not keep servers out for ever
  if (slot) typing_forget(slot);
  return slot;
}

static bool is_welcome(int fd) {
  uid_t uid;
  pid_t pid;
  return os_peer(fd, &uid, &pid) == 0 && (uid == os_geteuid() || uid == 0);
}

size_t server_connections(void) {
  size_t count = 0;
  for (size_t i = 0; i < CONNECTIONS; i++) count += is_open(&server.connections[i]);
  return count;
}

// Who finds no room waits in the backlog: in the next turn those that hung up have made some. Nobody is
// displaced by a newcomer.
static void accept_all(void) {
  server.refused_ms = 0;
  while (server_connections() < CONNECTIONS) {
    int fd = os_accept(server.listener, NULL, NULL);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (!os_was_early()) server.refused_ms = now_ms();
      return;
    }
    struct connection *c = is_welcome(fd) ? free_slot() : NULL;
    uint8_t *outgoing = c ? malloc(FRAME_HEADER + OFFSET_SIZE + PAYLOAD_LIMIT) : NULL;
    uint8_t *incoming = c ? malloc(FRAME_HEADER + PAYLOAD_LIMIT) : NULL;
    if (!outgoing || !incoming) {
      free(outgoing);
      free(incoming);
      os_close(fd);
      continue;
    }
    os_set_own(fd);
    *c = (struct connection){
        .fd = fd, .passed = -1, .outgoing = outgoing, .incoming = incoming, .version = 1, .gap_told_ms = INT64_MIN / 2};
  }
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
  bool began = holder_go(master, &orders);
  if (began) typing_take_stalled();
  else os_close(master);
  return began;
}

// From here on it speaks a later version. Where it is a viewer and there are enough of them, it has to go.
static bool speak(struct connection *c, uint16_t version, uint8_t role) {
  size_t viewers = 0;
  for (size_t i = 0; i < CONNECTIONS; i++)
    viewers += is_open(&server.connections[i]) && server.connections[i].role == ROLE_VIEWER;
  if (role == ROLE_VIEWER && c->role != ROLE_VIEWER && viewers >= VIEWER_PLACES) return false;
  c->version = version < PROTOCOL_HIGHEST ? version : PROTOCOL_HIGHEST;
  c->role = role <= ROLE_SESSION ? role : ROLE_SERVER;
  return true;
}

// A cursor of version 2 finds its answer in the stream. Of several that were not told yet, only the last size
// counts.
static void resize(struct connection *c, uint16_t cols, uint16_t rows) {
  if (cols == 0 || rows == 0) return;
  holder_resize(cols, rows);
  server_sized(log_end(), cols, rows);
  c->tell_size = c->version < 2 || !c->subscribed;
  c->sized = (struct size_mark){log_end(), cols, rows};
}

enum verdict { TAKEN, LATER, MALFORMED };

// One frame. Payloads may be longer than what is known of them: a later version may add to their end.
static enum verdict take_frame(struct connection *c, uint8_t type, const uint8_t *payload, size_t length) {
  // before GO there is neither log nor terminal: a screen may ask a successor for the output by then
  if (holder_state() == WAITING_FOR_GO && type != TO_GO && type != TO_SPEAK) return LATER;
  switch (type) {
    case TO_GO:
      return take_go(c, payload, length) ? TAKEN : MALFORMED;
    case TO_SUBSCRIBE:
      if (length < 8) return MALFORMED;
      cursor_subscribe(c, get_u64(payload));
      return TAKEN;
    case TO_INPUT:
      return typing_take(c, payload, length, false) ? TAKEN : LATER;
    case TO_KEYS:
      if (length < KEYS_HEAD) return MALFORMED;
      if (payload[16] & KEYS_INTERRUPT &&
          typing_interrupt(c, get_u64(payload), get_u64(payload + 8), payload + KEYS_HEAD, length - KEYS_HEAD))
        return TAKEN;
      return typing_take_counted(c, get_u64(payload), get_u64(payload + 8), payload + KEYS_HEAD, length - KEYS_HEAD,
                                 payload[16] & KEYS_MORE) ? TAKEN : LATER;
    case TO_SPEAK:
      return length >= 3 && get_u16(payload) >= 1 && speak(c, get_u16(payload), payload[2]) ? TAKEN : MALFORMED;
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
    case TO_RENEW:
      holder_renew();
      return TAKEN;
    default:
      return TAKEN;  // of a later version
  }
}

void server_take_frames(struct connection *c) {
  size_t at = 0;
  while (c->incoming_length - at >= FRAME_HEADER) {
    size_t length = get_u32(c->incoming + at);
    if (length <= PAYLOAD_LIMIT && c->incoming_length - at < FRAME_HEADER + length) break;
    enum verdict verdict = length > PAYLOAD_LIMIT ? MALFORMED
                                                  : take_frame(c, c->incoming[at + 4], c->incoming + at + FRAME_HEADER, length);
    if (verdict == MALFORMED) {
      drop(c);
      return;
    }
    c->stalled = verdict == LATER;
    if (c->stalled) break;
    at += FRAME_HEADER + length;
  }
  memmove(c->incoming, c->incoming + at, c->incoming_length - at);
  c->incoming_length -= at;
}

// Before GO a descriptor may come along. It is taken even where it makes no sense, for then it has to be
// closed.
static ssize_t receive(struct connection *c, uint8_t *into, size_t room) {
  if (holder_state() != WAITING_FOR_GO) return os_recv(c->fd, into, room, 0);
  int passed[RIDERS_MOST];
  size_t count;
  ssize_t length = receive_passed(c->fd, into, room, &(int){0}, passed, &count);
  for (size_t i = 0; i < count; i++) {
    if (c->passed >= 0) os_close(c->passed);
    c->passed = passed[i];
  }
  return length;
}

static void read_frames(struct connection *c) {
  ssize_t length = receive(c, c->incoming + c->incoming_length, FRAME_HEADER + PAYLOAD_LIMIT - c->incoming_length);
  if (length < 0 && os_was_early()) return;
  // whoever has shut their half goes on listening: a viewer that must not type is made so
  if (length == 0 && c->role == ROLE_VIEWER && c->subscribed) {
    c->listens_only = true;
    return;
  }
  if (length <= 0) {
    drop(c);
    return;
  }
  c->incoming_length += (size_t)length;
  server_take_frames(c);
}

void server_gap_grew(void) {
  for (size_t i = 0; i < CONNECTIONS; i++) server.connections[i].tell_gap = true;
}

// ---- the main loop's side

void server_begin(void) {
  server = (struct server){.listener = -1};
  for (size_t i = 0; i < CONNECTIONS; i++) server.connections[i] = (struct connection){.fd = -1, .passed = -1};
}

// A connection is asked for input unless what it sent before found no room, or it only listens; a hang-up of
// one that is not asked would only spin the loop, but for a listener, whose end nothing else tells.
size_t server_poll(struct pollfd *slots) {
  size_t count = 1;
  if (server.refused_ms && now_ms() >= server_accept_again()) server.refused_ms = 0;
  bool takes = server_connections() < CONNECTIONS && !server.refused_ms;
  slots[0] = (struct pollfd){.fd = takes ? server.listener : -1, .events = POLLIN};
  for (size_t i = 0; i < CONNECTIONS; i++) {
    struct connection *c = &server.connections[i];
    c->slot = 0;
    if (!is_open(c)) continue;
    bool says = cursor_speaks(c);
    short events = (short)((c->stalled || c->listens_only ? 0 : POLLIN) | (says ? POLLOUT : 0));
    if (!events && !c->listens_only) continue;
    c->slot = (int)count;
    slots[count++] = (struct pollfd){.fd = c->fd, .events = events};
  }
  return count;
}

int64_t server_accept_again(void) { return server.refused_ms ? server.refused_ms + ACCEPT_PAUSE_MS : 0; }

void server_handle(const struct pollfd *slots) {
  for (size_t i = 0; i < CONNECTIONS; i++) {
    struct connection *c = &server.connections[i];
    if (!is_open(c) || c->slot == 0) continue;
    short came = slots[c->slot].revents;
    if (came & (POLLOUT | POLLHUP | POLLERR)) c->full = false;
    if (c->listens_only) {
      if (came & (POLLHUP | POLLERR)) drop(c);
    } else if (!c->stalled && (came & (POLLIN | POLLHUP | POLLERR))) read_frames(c);
  }
  if (slots[0].revents & POLLIN) accept_all();
}

void server_take_keys(void) {
  if (!server_keys_wait()) return;
  for (size_t i = 0; i < CONNECTIONS; i++)
    if (brings_keys(&server.connections[i])) read_frames(&server.connections[i]);
}
