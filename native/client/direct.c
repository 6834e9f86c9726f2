// See direct.h. One state: a connection, a filter behind it, and at most one frame of filtered output in
// front of the terminal.
#include "client/direct.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/frame.h"
#include "system/os.h"
#include "filter/stream_filter.h"
#include "client/terminal.h"

enum {
  // Of the holder's output so much is read at once; no more of it lies between the log and the terminal.
  FRAME_MOST = (64 << 10) + 8,
  // DIRECT: offset · version of the rules · one byte for each kind of sequence; then the tail.
  BEGIN_HEAD = 9 + SEQUENCE_KINDS,
  // A report to the server is due once REPORT_BYTES were shown, or the terminal blocked. It goes every
  // REPORT_MS at most, since each costs the server's main thread as much as the rest of a flood; that of a
  // terminal that lags goes as soon as REPORT_BYTES were shown, since it is shown the past until the server
  // hears of it.
  REPORT_BYTES = 256 << 10,
  REPORT_MS = 100,
  // So long without output is no flood.
  QUIET_MS = 2,
  // Nor does a program that draws an image rest so long in its midst.
  IMAGE_MS = 1000,
  HOLDER_DATA = 66,
  HOLDER_EXIT = 67,
  HOLDER_SIZED = 71,
  HOLDER_HOLE = 72,
};

static struct {
  int holder;
  bool on;
  const struct direct_reports *reports;
  struct stream_filter filter;
  size_t written;           // of filter.out
  uint64_t offset;          // of the next byte from the holder
  uint64_t before;          // where the frame begins that stands in filter.out
  bool sized;               // the size that holds at the beginning was told
  bool over;                // nothing more comes; the terminal is still to take what came
  enum direct_end why;
  uint8_t in[FRAME_HEADER + FRAME_MOST];
  size_t in_length;
  int64_t read_ms;          // when the holder last said something
  uint64_t reported;        // offset of the last report
  int64_t reported_ms, blocked_ms, blocked_since_ms;
  bool owes_cancel;         // something was cut off on the terminal, perhaps within a sequence: CAN is still to be written
} d = {.holder = -1};

static size_t unwritten(void) { return d.filter.out.length - d.written; }

bool direct_is_on(void) { return d.on; }
int direct_fd(void) { return d.on && !d.over && unwritten() == 0 ? d.holder : -1; }
bool direct_is_quiet(void) { return d.on && os_steady_ms() - d.read_ms >= QUIET_MS; }
bool direct_waits(void) { return d.owes_cancel || (d.on && unwritten() > 0); }
bool direct_at_rest(void) { return !d.owes_cancel && (!d.on || (unwritten() == 0 && !stream_filter_streams(&d.filter))); }

void direct_cut_off(void) { d.owes_cancel = true; }

// What was cut off, within a sequence or an image, is ended: what follows must not be taken for its rest.
// False when nobody reads our output any more.
static bool pay_cancel(void) {
  static const uint8_t cancel = 0x18;
  ssize_t count = d.owes_cancel ? output_write(1, &cancel, 1) : 1;
  if (count > 0) d.owes_cancel = false;
  return count >= 0;
}

// The output before it is on the terminal, by the share of the frame at hand that is.
static uint64_t shown(void) {
  size_t all = d.filter.out.length;
  return unwritten() == 0 ? d.offset : d.before + (d.offset - d.before) * d.written / all;
}

bool direct_begin(int holder, const uint8_t *payload, size_t length, const struct direct_reports *reports) {
  if (length < BEGIN_HEAD || payload[8] != SEQUENCE_RULES_VERSION || holder < 0) {
    if (holder >= 0) os_close(holder);
    return false;
  }
  struct sequence_rules rules;
  memcpy(rules.passage, payload + 9, sizeof rules.passage);
  // nobody can be asked here
  stream_filter_begin(&d.filter, &rules, true, false);
  os_set_own(holder);
  d.holder = holder;
  d.on = true;
  d.reports = reports;
  d.written = d.in_length = 0;
  d.sized = d.over = false;
  d.offset = d.before = d.reported = get_u64(payload);
  d.reported_ms = d.read_ms = os_steady_ms();
  d.blocked_ms = d.blocked_since_ms = 0;
  // what the screen that was just drawn does not have yet, since it is not whole
  stream_filter_feed(&d.filter, payload + BEGIN_HEAD, length - BEGIN_HEAD);
  return true;
}

static void finish(enum direct_end why) {
  d.over = true;
  d.why = why;
}

static void end(bool tell) {
  d.on = false;
  os_close(d.holder);
  d.holder = -1;
  stream_filter_end(&d.filter);
  if (tell) d.reports->ended(d.offset, d.why);
}

static void take_frame(uint8_t type, const uint8_t *payload, size_t length) {
  switch (type) {
    case HOLDER_DATA: {
      if (length < 8) return finish(DIRECT_HOLDER_GONE);
      uint64_t offset = get_u64(payload);
      if (offset != d.offset) return finish(DIRECT_HOLE);
      d.before = d.offset;
      if (!stream_filter_feed(&d.filter, payload + 8, length - 8)) return finish(DIRECT_HOLDER_GONE);
      d.offset += length - 8;
      return;
    }
    case HOLDER_SIZED:
      // the first one is of what is shown already
      if (d.sized) finish(DIRECT_OTHER_SIZE);
      d.sized = true;
      return;
    case HOLDER_HOLE: return finish(DIRECT_HOLE);
    case HOLDER_EXIT: return finish(DIRECT_SESSION_OVER);
  }
}

// Takes the whole frames that have come, up to one that has output.
static void take_frames(void) {
  size_t at = 0;
  while (!d.over && unwritten() == 0 && d.in_length - at >= FRAME_HEADER) {
    size_t length = get_u32(d.in + at);
    if (length > FRAME_MOST) {
      finish(DIRECT_HOLDER_GONE);
      break;
    }
    if (d.in_length - at - FRAME_HEADER < length) break;
    take_frame(d.in[at + 4], d.in + at + FRAME_HEADER, length);
    at += FRAME_HEADER + length;
  }
  memmove(d.in, d.in + at, d.in_length -= at);
}

static bool has_frame(void) { return d.in_length >= FRAME_HEADER && d.in_length - FRAME_HEADER >= get_u32(d.in); }

static void read_holder(void) {
  if (!has_frame()) {
    ssize_t count = os_read(d.holder, d.in + d.in_length, sizeof d.in - d.in_length);
    if (count < 0 && os_was_early()) return;
    if (count <= 0) return finish(DIRECT_HOLDER_GONE);
    d.in_length += (size_t)count;
    d.read_ms = os_steady_ms();
  }
  take_frames();
}

// The terminal takes something again.
static void count_blocked(void) {
  if (d.blocked_since_ms) d.blocked_ms += os_steady_ms() - d.blocked_since_ms;
  d.blocked_since_ms = 0;
}

// False when nobody reads our output any more.
static bool write_terminal(void) {
  while (unwritten() > 0) {
    ssize_t count = output_write(1, d.filter.out.at + d.written, unwritten());
    if (count < 0) return false;
    if (count == 0) {
      if (d.blocked_since_ms == 0) d.blocked_since_ms = os_steady_ms();
      return true;
    }
    d.written += (size_t)count;
    count_blocked();
  }
  d.filter.out.length = d.written = 0;
  return true;
}

// Whether the terminal took nothing for a while since the last report.
static bool has_blocked(void) { return d.blocked_ms > 0 || d.blocked_since_ms > 0; }

static void report(void) {
  int64_t now = os_steady_ms(), passed = now - d.reported_ms;
  uint64_t offset = shown();
  int64_t blocked = d.blocked_ms + (d.blocked_since_ms ? now - d.blocked_since_ms : 0);
  bool much = offset - d.reported >= REPORT_BYTES, late = passed >= REPORT_MS, lags = passed > 0 && 2 * blocked >= passed;
  if (!(late && (much || has_blocked())) && !(much && lags)) return;
  d.reports->at(offset, (uint8_t)(passed > 0 ? blocked * 100 / passed : 0));
  d.reported = offset;
  d.reported_ms = now;
  d.blocked_ms = 0;
  if (d.blocked_since_ms) d.blocked_since_ms = now;
}

// When an image within which the program has stopped is given up (steady ms); -1: there is none.
static int64_t image_end(void) {
  return d.on && unwritten() == 0 && stream_filter_streams(&d.filter) ? d.read_ms + IMAGE_MS : -1;
}

int direct_timeout(bool reads) {
  if (!d.on) return -1;
  // what was read already needs nobody to wake us
  if (unwritten() == 0 && (d.over || has_frame())) return 0;
  int64_t due = reads ? -1 : image_end();
  if (due < 0 && has_blocked()) due = d.reported_ms + REPORT_MS;
  if (due < 0) return -1;
  int64_t left = due - os_steady_ms();
  return left > 0 ? (int)left : 0;
}

// An image within which the program has stopped is given up once something else waits for its end.
static void end_image(void) {
  int64_t due = image_end();
  if (due < 0 || os_steady_ms() < due) return;
  d.owes_cancel = true;
  d.why = DIRECT_HOLE;
  end(true);
}

bool direct_step(bool reads) {
  if (!reads) end_image();
  if (!pay_cancel()) return false;
  // what was read last and the next: keys and the server have their turn in between
  enum { FRAMES_IN_A_ROW = 2 };
  for (int i = 0; d.on && i < FRAMES_IN_A_ROW; i++) {
    if (!write_terminal()) return false;
    if (unwritten() > 0) break;
    if (d.over) {
      end(true);
      return true;
    }
    if (!reads && direct_at_rest()) break;
    size_t had = d.in_length;
    read_holder();
    if (!d.over && unwritten() == 0 && d.in_length == had) break;
  }
  if (d.on) report();
  return true;
}

bool direct_stop(bool tell) {
  if (!d.on) return true;
  if (!write_terminal()) return false;
  if (unwritten() == 0 && !d.over) {
    read_holder();
    if (!write_terminal()) return false;
  }
  d.owes_cancel |= d.written > 0 || stream_filter_streams(&d.filter);
  if (!pay_cancel()) return false;
  d.why = DIRECT_AS_TOLD;
  end(tell);
  return true;
}
