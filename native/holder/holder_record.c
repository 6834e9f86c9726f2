// The two small files beside the log: `record` (what happened, in text) and `times` (when which byte came,
// and which size the terminal had).
#include "system/frame.h"
#include "holder/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// ---- record

enum { RECORD_SIZE = 4096 };
// Lines of adoption that are kept, the first and the latest: with GAPS_LIMIT gaps of at most 46 bytes all
// lines always fit.
enum { ADOPTIONS_LIMIT = 16 };

struct adoption {
  uint64_t time_ms, offset;
};

static int record_fd = -1;
static bool record_dirty;  // the file lacks something, for want of space or because it was deleted
static uint64_t start_ms;
static pid_t start_pid;
static int exec_error;
static struct adoption adoptions[ADOPTIONS_LIMIT];
static size_t adoption_count;
static struct gap gaps[GAPS_LIMIT];
static size_t gap_count;
static bool ended;
static struct ending the_end;
static struct adoption removal;  // of the log, the latest; its time is 0 while there was none

static void append_line(char *text, size_t *length, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int size = vsnprintf(text + *length, RECORD_SIZE - *length, format, arguments);
  va_end(arguments);
  if (size > 0 && *length + (size_t)size < RECORD_SIZE) *length += (size_t)size;
}

// The whole block is composed and written each time: one write into a page that exists, which a full disk has
// no reason to refuse.
void record_write(void) {
  char text[RECORD_SIZE];
  size_t length = 0;
  if (start_pid) append_line(text, &length, "start %llu %d\n", (unsigned long long)start_ms, (int)start_pid);
  if (exec_error) append_line(text, &length, "execfail %d\n", exec_error);
  for (size_t i = 0; i < adoption_count; i++)
    append_line(text, &length, "adopted %llu %llu\n", (unsigned long long)adoptions[i].time_ms,
                (unsigned long long)adoptions[i].offset);
  for (size_t i = 0; i < gap_count; i++)
    append_line(text, &length, "gap %llu %llu\n", (unsigned long long)gaps[i].offset, (unsigned long long)gaps[i].length);
  if (removal.time_ms)
    append_line(text, &length, "removed %llu %llu\n", (unsigned long long)removal.time_ms, (unsigned long long)removal.offset);
  if (ended)
    append_line(text, &length, "exit %d %llu %llu %llu %llu %llu\n", the_end.status, (unsigned long long)the_end.end,
                (unsigned long long)the_end.time_ms, (unsigned long long)the_end.user_us, (unsigned long long)the_end.system_us,
                (unsigned long long)the_end.peak_kib);
  memset(text + length, 0, sizeof text - length);
  record_dirty = record_fd < 0 || os_pwrite(record_fd, text, sizeof text, 0) != (ssize_t)sizeof text;
}

// Allocates the block by writing it: where the disk is full already, nothing is started.
bool record_create(void) {
  char path[PATH_MAX];
  if (!path_in_folder(path, sizeof path, "record")) return false;
  // a record that exists is another run's: its folder is not ours to write over
  record_fd = os_open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (record_fd < 0) return false;
  record_write();
  return !record_dirty;
}

static void parse_line(const char *line) {
  unsigned long long a, b, c, d, e;
  int status;
  if (sscanf(line, "start %llu %d", &a, &status) == 2) {
    start_ms = a;
    start_pid = status;
  } else if (sscanf(line, "execfail %d", &status) == 1) {
    exec_error = status;
  } else if (sscanf(line, "adopted %llu %llu", &a, &b) == 2 && adoption_count < ADOPTIONS_LIMIT) {
    adoptions[adoption_count++] = (struct adoption){a, b};
  } else if (sscanf(line, "gap %llu %llu", &a, &b) == 2 && gap_count < GAPS_LIMIT) {
    gaps[gap_count++] = (struct gap){a, b};
  } else if (sscanf(line, "removed %llu %llu", &a, &b) == 2) {
    removal = (struct adoption){a, b};
  } else if (sscanf(line, "exit %d %llu %llu %llu %llu %llu", &status, &a, &b, &c, &d, &e) == 6) {
    the_end = (struct ending){status, a, b, c, d, e};
    ended = true;
  }
}

// A successor reads what the holder before it wrote down. A missing file is made: the program runs, that is
// what counts.
bool record_adopt(void) {
  char path[PATH_MAX];
  if (!path_in_folder(path, sizeof path, "record")) return false;
  record_fd = os_open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (record_fd < 0) return false;
  char text[RECORD_SIZE + 1];
  ssize_t length = os_pread(record_fd, text, RECORD_SIZE, 0);
  if (length < 0) return false;
  text[length] = 0;
  for (char *rest = text, *line; (line = strsep(&rest, "\n"));) parse_line(line);
  return true;
}

void record_start(uint64_t time_ms, pid_t pid) {
  start_ms = time_ms;
  start_pid = pid;
  record_write();
}

void record_exec_failed(int error) {
  exec_error = error;
  record_write();
}

void record_adopted(uint64_t time_ms, uint64_t offset) {
  if (adoption_count == ADOPTIONS_LIMIT) {
    memmove(adoptions + 1, adoptions + 2, (ADOPTIONS_LIMIT - 2) * sizeof *adoptions);
    adoption_count--;
  }
  adoptions[adoption_count++] = (struct adoption){time_ms, offset};
  record_write();
}

void record_log_removed(uint64_t time_ms, uint64_t offset) {
  removal = (struct adoption){time_ms, offset};
}

void record_ending(const struct ending *ending) {
  the_end = *ending;
  ended = true;
  record_write();
}

bool record_is_safe(void) { return !record_dirty; }

void record_retry(void) {
  char path[PATH_MAX];
  struct stat there, ours;
  if (!path_in_folder(path, sizeof path, "record")) return;
  bool gone = os_stat(path, &there) < 0 && errno == ENOENT;
  bool replaced = !gone && record_fd >= 0 && os_fstat(record_fd, &ours) == 0 &&
                  (there.st_ino != ours.st_ino || there.st_dev != ours.st_dev);
  if (gone || replaced || record_fd < 0) {
    int fd = os_open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
      if (record_fd >= 0) os_close(record_fd);
      record_fd = fd;
      record_dirty = true;
    }
  }
  if (record_dirty) record_write();
}

uint64_t record_start_time(void) { return start_ms; }
pid_t record_pid(void) { return start_pid; }
const struct ending *record_end(void) { return ended ? &the_end : NULL; }

struct gap *record_gaps(size_t **count) {
  *count = &gap_count;
  return gaps;
}

// ---- times

enum { TIMES_HEADER = 16, TIMES_ENTRY = 12, TIMES_VERSION = 1 };
// A plain mark at most this often: under a flood 120 bytes a second, and a replay that is right to a tenth of
// a second.
enum { MARK_INTERVAL_MS = 100 };

static int times_fd = -1;
static off_t times_at;          // where the next entry goes: a torn one is written over
static int64_t entry_ms;        // of the previous entry, steady clock
static uint64_t entry_offset;
static int64_t mark_ms = INT64_MIN / 2;

static bool write_entry(uint32_t ms, uint32_t bytes, uint16_t cols, uint16_t rows) {
  uint8_t entry[TIMES_ENTRY];
  put_u32(entry, ms);
  put_u32(entry + 4, bytes);
  put_u16(entry + 8, cols);
  put_u16(entry + 10, rows);
  if (times_fd < 0 || os_pwrite(times_fd, entry, sizeof entry, times_at) != (ssize_t)sizeof entry) return false;
  times_at += TIMES_ENTRY;
  return true;
}

// An entry that could not be written is simply missing: the next one counts from the last that was.
static void add_entry(uint64_t offset, uint16_t cols, uint16_t rows) {
  int64_t now = now_ms();
  uint64_t ms = now > entry_ms ? (uint64_t)(now - entry_ms) : 0, bytes = offset > entry_offset ? offset - entry_offset : 0;
  while (ms > UINT32_MAX || bytes > UINT32_MAX) {  // 49 days of silence, or 4 GiB that no entry could be written for
    uint32_t some_ms = ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
    uint32_t some_bytes = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
    if (!write_entry(some_ms, some_bytes, 0, 0)) return;
    ms -= some_ms;
    bytes -= some_bytes;
    entry_ms += some_ms;
    entry_offset += some_bytes;
  }
  if (!write_entry((uint32_t)ms, (uint32_t)bytes, cols, rows)) return;
  entry_ms = now;
  entry_offset = offset;
}

// Adds up the entries of the holder before us, so that ours continue them.
static void resume_times(uint64_t header_ms) {
  uint8_t block[TIMES_ENTRY * 1024];
  uint64_t ms = 0;
  times_at = TIMES_HEADER;
  for (ssize_t length; (length = os_pread(times_fd, block, sizeof block, times_at)) >= TIMES_ENTRY;) {
    ssize_t whole = length - length % TIMES_ENTRY;
    for (ssize_t at = 0; at < whole; at += TIMES_ENTRY) {
      ms += get_u32(block + at);
      entry_offset += get_u32(block + at + 4);
    }
    times_at += whole;
  }
  entry_ms = now_ms() - ((int64_t)epoch_ms() - (int64_t)(header_ms + ms));
}

void times_open(bool adopt) {
  char path[PATH_MAX];
  if (!path_in_folder(path, sizeof path, "times")) return;
  times_fd = os_open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (adopt ? 0 : O_TRUNC), 0600);
  if (times_fd < 0) return;
  uint8_t header[TIMES_HEADER];
  if (adopt && os_pread(times_fd, header, sizeof header, 0) == TIMES_HEADER && memcmp(header, "FTIM", 4) == 0) {
    resume_times(get_u64(header + 8));
    return;
  }
  memcpy(header, "FTIM", 4);
  put_u32(header + 4, TIMES_VERSION);
  put_u64(header + 8, epoch_ms());
  if (os_pwrite(times_fd, header, sizeof header, 0) != TIMES_HEADER) {
    os_close(times_fd);
    times_fd = -1;
    return;
  }
  times_at = TIMES_HEADER;
  entry_ms = now_ms();
}

uint64_t times_reached(void) { return entry_offset; }

void times_renew(uint64_t offset, uint16_t cols, uint16_t rows) {
  char path[PATH_MAX];
  struct stat status;
  if (!path_in_folder(path, sizeof path, "times") || os_stat(path, &status) == 0 || errno != ENOENT) return;
  if (times_fd >= 0) os_close(times_fd);
  entry_offset = 0;
  times_open(false);
  add_entry(offset, cols, rows);
}

void times_mark(uint64_t offset) {
  int64_t now = now_ms();
  if (now - mark_ms < MARK_INTERVAL_MS) return;
  mark_ms = now;
  add_entry(offset, 0, 0);
}

void times_size(uint64_t offset, uint16_t cols, uint16_t rows) { add_entry(offset, cols, rows); }

void times_end(uint64_t offset) { add_entry(offset, 0, 0); }
