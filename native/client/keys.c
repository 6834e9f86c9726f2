// See keys.h.
#include "client/keys.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system/frame.h"
#include "system/os.h"

enum {
  HOLDER_KEYS = 10,
  HOLDER_TAKEN = 73,
  KEYS_HEAD = 17,
  KEYS_INTERRUPT = 2,
  // A read that is longer is no typing: the server sees to it.
  LONGEST_READ = 256,
  // So much waits for a holder that does not read; then keys go to the server again.
  MOST_WAITING = 4096,
  // A holder that says nothing for so long stands still; who types something else, as to leave, does not wait
  // for it.
  SETTLE_MS = 100,
};

static struct {
  int holder;
  bool open;
  bool ready;                    // the holder has answered: it has a place for us
  uint8_t set[KEYS_SET];
  uint8_t interrupt;             // goes by itself; 0: not at all
  uint64_t writer, sent, taken;  // bytes
  int64_t sent_ms;
  uint8_t out[MOST_WAITING];
  size_t out_length;
  uint8_t in[256];               // HELLO, TAKEN and TYPED, of which TYPED is not used
  size_t in_length;
} k = {.holder = -1};

void keys_begin(const uint8_t token[16]) { k.writer = get_u64(token); }

bool keys_have_holder(void) { return k.holder >= 0; }

void keys_close(void) { k.open = false; }

void keys_end(void) {
  if (k.holder >= 0) os_close(k.holder);
  k.holder = -1;
  k.open = k.ready = false;
  k.out_length = k.in_length = 0;
  // what a holder that is gone has not said to have is lost, and never typed twice
  k.taken = k.sent;
}

static void send_waiting(void) {
  while (k.out_length > 0) {
    ssize_t count = os_send(k.holder, k.out, k.out_length, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (count < 0) return keys_end();
    memmove(k.out, k.out + count, k.out_length -= (size_t)count);
  }
}

static void add_frame(const uint8_t *bytes, size_t length, uint8_t flags) {
  uint8_t *at = k.out + k.out_length;
  put_header(at, HOLDER_KEYS, KEYS_HEAD + length);
  put_u64(at + FRAME_HEADER, k.writer);
  put_u64(at + FRAME_HEADER + 8, k.sent);
  at[FRAME_HEADER + 16] = flags;
  if (length > 0) memcpy(at + FRAME_HEADER + KEYS_HEAD, bytes, length);
  k.out_length += FRAME_HEADER + KEYS_HEAD + length;
  k.sent += length;
  k.sent_ms = os_steady_ms();
  send_waiting();
}

void keys_open(const uint8_t set[KEYS_SET], uint8_t interrupt, int holder) {
  // the one that is there has what is still on its way
  if (holder >= 0 && k.holder >= 0) os_close(holder);
  else if (holder >= 0) {
    os_set_own(holder);
    k.holder = holder;
    add_frame(NULL, 0, 0);
  }
  memcpy(k.set, set, sizeof k.set);
  k.interrupt = interrupt;
  k.open = k.holder >= 0;
}

bool keys_take(const uint8_t *bytes, size_t length) {
  bool interrupt = length == 1 && k.interrupt && *bytes == k.interrupt;
  bool goes = k.open && k.ready && length <= LONGEST_READ && sizeof k.out - k.out_length >= FRAME_HEADER + KEYS_HEAD + length;
  for (size_t i = 0; goes && !interrupt && i < length; i++) goes = k.set[bytes[i] >> 3] >> (bytes[i] & 7) & 1;
  if (!goes) {
    k.open = false;
    return false;
  }
  add_frame(bytes, length, interrupt ? KEYS_INTERRUPT : 0);
  return true;
}

bool keys_settled(int64_t now) { return k.taken == k.sent || now - k.sent_ms >= SETTLE_MS; }

int keys_fd(short *events) {
  *events = (short)(POLLIN | (k.out_length > 0 ? POLLOUT : 0));
  return k.holder;
}

void keys_step(void) {
  if (k.holder < 0) return;
  send_waiting();
  if (k.holder < 0) return;
  ssize_t count = os_recv(k.holder, k.in + k.in_length, sizeof k.in - k.in_length, MSG_DONTWAIT);
  if (count < 0 && os_was_early()) return;
  if (count <= 0) return keys_end();
  k.in_length += (size_t)count;
  size_t at = 0;
  while (k.in_length - at >= FRAME_HEADER) {
    size_t length = get_u32(k.in + at);
    if (length > sizeof k.in - FRAME_HEADER) return keys_end();
    if (k.in_length - at - FRAME_HEADER < length) break;
    if (k.in[at + 4] == HOLDER_TAKEN && length >= 16 && get_u64(k.in + at + FRAME_HEADER) == k.writer) {
      k.taken = get_u64(k.in + at + FRAME_HEADER + 8);
      k.ready = true;
    }
    at += FRAME_HEADER + length;
  }
  memmove(k.in, k.in + at, k.in_length -= at);
}
