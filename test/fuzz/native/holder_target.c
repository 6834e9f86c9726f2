// The holder's socket side against hostile servers and viewers, in process: holder_server.c, holder_cursor.c
// and holder_typing.c themselves, with their sockets, the log and the terminal played by the input. The first
// third of the input says what happens next; the rest is what the connections send, each a piece in turn.
#include "driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int played_accept(int fd, struct sockaddr *address, socklen_t *length);
ssize_t played_recv(int fd, void *into, size_t room, int flags);
ssize_t played_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t played_send(int fd, const void *bytes, size_t length, int flags);
ssize_t played_sendmsg(int fd, const struct msghdr *message, int flags);
int played_close(int fd);
int played_fcntl(int fd, int command, ...);

#define accept played_accept
#define recv played_recv
#define recvmsg played_recvmsg
#define send played_send
#define sendmsg played_sendmsg
#define close played_close
#define fcntl played_fcntl
#include "../../../native/holder/holder_server.c"
#include "../../../native/holder/holder_cursor.c"
#include "../../../native/holder/holder_typing.c"
#undef accept
#undef recv
#undef recvmsg
#undef send
#undef sendmsg
#undef close
#undef fcntl

enum { FIRST_FD = 100, FDS = 500, LISTENER = 50, MOST_OUTPUT = 1 << 20, TURNS = 3000 };

static const uint8_t *script, *stream;
static size_t script_left, stream_left;
static bool is_open_fd[FDS];
static int next_fd, taken_master;
static enum holder_state state;
static struct ending ending_now;
static uint64_t output_end, output_base;
static int64_t clock_ms;
static uint64_t type_calls;

// What each connection was sent, as frames.
static struct {
  uint8_t header[FRAME_HEADER];
  size_t header_length, payload_left, payload_at;
  uint8_t payload[16];
  bool greeted, ended;
  uint64_t position;
  bool positioned;
} said[FDS];

static unsigned next(void) {
  if (script_left == 0) return 0;
  script_left--;
  return *script++;
}

static int new_fd(void) {
  if (next_fd >= FDS) return -1;
  is_open_fd[next_fd] = true;
  return next_fd++;
}

// ---- the rest of the holder

const char *session_folder = "/nonexistent";
enum holder_state holder_state(void) { return state; }
int holder_flags(void) { return 0; }
int holder_exec_error(void) { return 0; }
pid_t holder_program(void) { return 4711; }
uint64_t holder_start_ms(void) { return 1; }
const struct ending *holder_ending(void) { return state == ENDED ? &ending_now : NULL; }
int holder_master(void) { return state == RUNNING ? taken_master : -1; }
int64_t now_ms(void) { return clock_ms; }
uint64_t epoch_ms(void) { return 1; }
bool holder_go(int master, const struct orders *orders) {
  fuzz_require(master >= FIRST_FD && is_open_fd[master], "GO's descriptor is open");
  fuzz_require(orders->umask <= 0777, "the umask is one");
  // every limit is read, so that one past the end is seen
  unsigned sum = 0;
  for (size_t i = 0; i < orders->limit_count * GO_LIMIT_SIZE; i++) sum += orders->limits[i];
  if ((sum + next()) % 4 == 0) return false;
  taken_master = master;
  state = RUNNING;
  return true;
}
void holder_resize(uint16_t cols, uint16_t rows) {
  (void)cols;
  (void)rows;
}
void holder_signal(int number, int target) { fuzz_require(number >= 0 && number < 256 && target >= 0 && target < 256, "a signal is a byte"); }
void holder_release(void) {}
void holder_renew(void) {}
ssize_t holder_type(const uint8_t *bytes, size_t length) {
  unsigned way = next(), sum = 0;
  for (size_t i = 0; i < length; i++) sum += bytes[i];
  type_calls++;
  if (state != RUNNING || way == 255) return -1;
  if (way > 128) return 0;
  size_t count = way > 64 && length > way ? way : length;
  return (ssize_t)(sum == 0xffffffff ? 0 : count);
}
uint64_t log_end(void) { return output_end; }
uint64_t log_base(void) { return output_base; }
void log_keep(uint64_t bytes) { (void)bytes; }
void log_find_base(void) {}
const uint8_t *log_latest(uint64_t *offset, size_t *length) {
  *offset = 0;
  *length = 0;
  return NULL;
}
ssize_t log_read(uint8_t *into, size_t room, uint64_t offset) {
  fuzz_require(offset < output_end && room <= output_end - offset, "what is read of the log is there");
  if (next() > 240) return 0;
  memset(into, 'x', room);
  return (ssize_t)room;
}
uint64_t log_freed_to(uint64_t offset) { return offset < output_base ? output_base : 0; }
uint64_t log_missing_at(uint64_t offset) { return 1 + offset % 7; }
const struct gap *log_last_gap(void) {
  static struct gap gap = {3, 4};
  return &gap;
}
int os_peer(int fd, uid_t *uid, pid_t *pid) {
  (void)fd;
  *pid = 1;
  *uid = next() > 240 ? geteuid() + 1 : geteuid();
  return 0;
}

// ---- the sockets

int played_fcntl(int fd, int command, ...) {
  (void)fd;
  (void)command;
  return 0;
}
int played_accept(int fd, struct sockaddr *address, socklen_t *length) {
  (void)address;
  (void)length;
  fuzz_require(fd == LISTENER, "accept is asked of the listener");
  if (next() < 128) return errno = EAGAIN, -1;
  int accepted = new_fd();
  return accepted < 0 ? (errno = EAGAIN, -1) : accepted;
}
int played_close(int fd) {
  fuzz_require(fd >= FIRST_FD && fd < FDS && is_open_fd[fd], "what is closed was open");
  is_open_fd[fd] = false;
  return 0;
}
ssize_t played_recv(int fd, void *into, size_t room, int flags) {
  (void)flags;
  fuzz_require(is_open_fd[fd] && room > 0, "there is room to read into");
  unsigned way = next();
  if (way > 250) return way > 253 ? 0 : (errno = way > 252 ? ECONNRESET : EAGAIN, -1);
  size_t count = 1 + (size_t)way * 40;
  if (!script_left) count = room;
  if (count > room) count = room;
  if (count > stream_left) count = stream_left;
  memcpy(into, stream, count);
  stream += count;
  stream_left -= count;
  return (ssize_t)count;
}
ssize_t played_recvmsg(int fd, struct msghdr *message, int flags) {
  ssize_t length = played_recv(fd, message->msg_iov->iov_base, message->msg_iov->iov_len, flags);
  unsigned way = next();
  size_t fds = way > 200 ? way % 5 : way > 100 ? 1 : 0;
  if (length < 0 || fds == 0) {
    message->msg_controllen = 0;
    return length;
  }
  int passed[4];
  size_t count = 0;
  while (count < fds && count < 4 && (passed[count] = new_fd()) >= 0) count++;
  struct cmsghdr *header = CMSG_FIRSTHDR(message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(count * sizeof(int));
  memcpy(CMSG_DATA(header), passed, count * sizeof(int));
  message->msg_controllen = CMSG_SPACE(count * sizeof(int));
  return length;
}

// What docs/design/protocol.md promises a server: HELLO first, DATA in order without holes but those that GAP
// tells, EXIT behind the last byte.
static void hear(int fd, uint8_t type, size_t length) {
  __typeof__(&said[0]) to = &said[fd];
  fuzz_require(to->greeted || type == FROM_HELLO, "HELLO is first");
  fuzz_require(!(to->greeted && type == FROM_HELLO), "HELLO comes once");
  to->greeted = true;
  fuzz_require(length <= OFFSET_SIZE + PAYLOAD_LIMIT, "frames are within the limit");
  if (type == FROM_HELLO) fuzz_require(length == 43, "HELLO has its size");
  else if (type == FROM_EXIT) fuzz_require(length == 44, "EXIT has its size");
  else if (type == FROM_GAP) fuzz_require(length == 16, "GAP has its size");
  else if (type == FROM_TYPED) fuzz_require(length == 8, "TYPED has its size");
  else if (type == FROM_DATA) fuzz_require(length > OFFSET_SIZE, "DATA has bytes");
  else if (type == FROM_SIZED) fuzz_require(length == 12, "SIZED has its size");
  else if (type == FROM_HOLE) fuzz_require(length == 17, "HOLE has its size");
  else if (type == FROM_TAKEN) fuzz_require(length == 16, "TAKEN has its size");
  else fuzz_require(type > FROM_TYPED && type < 128, "the type is one of the holder's");
}

ssize_t played_send(int fd, const void *bytes, size_t length, int flags) {
  (void)flags;
  fuzz_require(is_open_fd[fd] && length > 0, "there is something to send");
  unsigned way = next();
  if (way > 240) return errno = way > 250 ? EPIPE : EAGAIN, -1;
  size_t count = way > 128 && length > way ? way : length;
  const uint8_t *at = bytes;
  for (size_t i = 0; i < count; i++) {
    __typeof__(&said[0]) to = &said[fd];
    if (to->header_length < FRAME_HEADER) {
      to->header[to->header_length++] = at[i];
      if (to->header_length < FRAME_HEADER) continue;
      to->payload_left = get_u32(to->header);
      hear(fd, to->header[4], to->payload_left);
      if (to->payload_left == 0) to->header_length = 0;
    } else if (--to->payload_left == 0) to->header_length = 0;
  }
  return (ssize_t)count;
}
ssize_t played_sendmsg(int fd, const struct msghdr *message, int flags) {
  (void)flags;
  fuzz_require(is_open_fd[fd] && said[fd].greeted && said[fd].header_length == 0, "the descriptor goes between two frames");
  if (message->msg_controllen > 0) {
    int passed;
    memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR((struct msghdr *)message)), sizeof passed);
    fuzz_require(passed == taken_master && is_open_fd[passed], "the master is what is passed");
  }
  if (next() > 240) return errno = EAGAIN, -1;
  return (ssize_t)message->msg_iov->iov_len;
}

// ---- one input

void fuzz_one(const uint8_t *bytes, size_t length) {
  script = bytes;
  script_left = length / 3;
  stream = bytes + script_left;
  stream_left = length - script_left;
  memset(is_open_fd, 0, sizeof is_open_fd);
  memset(said, 0, sizeof said);
  next_fd = FIRST_FD;
  taken_master = -1;
  state = next() & 1 ? RUNNING : WAITING_FOR_GO;
  if (state == RUNNING) taken_master = new_fd();
  output_end = 0;
  output_base = 0;
  clock_ms = 1000;
  type_calls = 0;
  server_begin();
  server.listener = LISTENER;

  for (int turn = 0; turn < TURNS && (script_left > 0 || stream_left > 0); turn++) {
    struct pollfd slots[POLL_SLOTS];
    size_t count = server_poll(slots);
    fuzz_require(count >= 1 && count <= POLL_SLOTS, "no more slots than there are");
    for (size_t i = 1; i < count; i++) fuzz_require(slots[i].fd >= FIRST_FD && is_open_fd[slots[i].fd], "what is polled is open");
    unsigned way = script_left ? next() : 0xff;
    for (size_t i = 0; i < count; i++) slots[i].revents = way & (1u << (i % 8)) ? slots[i].events : way == 0x80 ? POLLHUP : 0;
    if (way % 16 == 3 && output_end < MOST_OUTPUT) output_end += (uint64_t)next() * 400;
    if (way % 16 == 5 && state == RUNNING) {
      state = ENDED;
      ending_now = (struct ending){.status = 0, .end = output_end};
    }
    if (way % 16 == 7) server_gap_grew();
    if (way % 16 == 9) output_base = output_end / 2;
    clock_ms += way;
    server_handle(slots);
    if (server_typing()) server_deliver_typing();
    server_pump();
    size_t waiting = 0, viewers = 0;
    bool hears_of_gaps = false;
    for (size_t i = 0; i < CONNECTIONS; i++) {
      hears_of_gaps |= is_open(&server.connections[i]) && server.connections[i].role != ROLE_VIEWER;
      fuzz_require(typed_waiting(&server.connections[i]) <= TYPED_LIMIT, "typing waits within its bound");
      fuzz_require(server.connections[i].incoming_length <= FRAME_HEADER + PAYLOAD_LIMIT, "frames wait within their bound");
      waiting += is_open(&server.connections[i]);
      viewers += is_open(&server.connections[i]) && server.connections[i].role == ROLE_VIEWER;
    }
    fuzz_require(viewers <= VIEWER_PLACES, "servers have places of their own");
    fuzz_require(hears_of_gaps || !server_gap_untold(), "the holder wakes again and again for nobody");
    fuzz_require(waiting <= CONNECTIONS && waiting == server_connections(), "connections are counted");
  }
  for (size_t i = 0; i < CONNECTIONS; i++) {
    if (is_open(&server.connections[i])) drop(&server.connections[i]);
    typing_forget(&server.connections[i]);
  }
  for (int fd = FIRST_FD; fd < next_fd; fd++) fuzz_require(!is_open_fd[fd] || fd == taken_master, "every descriptor that came is closed");
}
