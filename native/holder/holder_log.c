// Writes and reads output.log: byte N of the file is byte N of the stream, for ever. What could not be
// written is a recorded gap; what is too old becomes a hole.
#include "holder/holder.h"
#include "system/os.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

// Retention gives space back in steps of this size: few system calls, and a boundary that every file system
// can punch at.
#define RETENTION_STEP ((uint64_t)4 << 20)

static int log_fd = -1;
// While the disk is full, so much of what the log lacks is kept in memory: a server that keeps up then shows
// the run without a hole.
enum { SPARE_SIZE = 4 << 20 };

static uint64_t end_offset, base_offset, keep_bytes;
static bool cannot_punch;
static uint8_t latest[PAYLOAD_LIMIT];
static uint64_t latest_offset;
static size_t latest_length;
static struct gap *gaps;
static size_t *gap_count;
static uint8_t *spare;  // a ring: byte N of the stream is at N % SPARE_SIZE
static uint64_t spare_from, spare_to;

// Opens the log and locks it: two holders that read one terminal would tear its output apart. False with
// errno, EWOULDBLOCK when another holds it.
bool log_open(bool adopt) {
  char path[PATH_MAX];
  if (!path_in_folder(path, sizeof path, "output.log")) return false;
  log_fd = os_open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (log_fd < 0) return false;
  if (os_flock(log_fd, LOCK_EX | LOCK_NB) < 0) return false;
  if (adopt ? !record_adopt() : !record_create()) return false;
  gaps = record_gaps(&gap_count);
  off_t size = os_lseek(log_fd, 0, SEEK_END);
  if (size < 0) return false;
  end_offset = (uint64_t)size;
  // where the file could not even be lengthened, the last gap reaches further than the file
  const struct gap *last = log_last_gap();
  if (last && last->offset + last->length > end_offset) end_offset = last->offset + last->length;
  const struct ending *ending = record_end();
  if (ending && ending->end > end_offset) end_offset = ending->end;
  log_find_base();
  return true;
}

// Whether a living holder has this session's log. False too where there is no log.
bool log_is_taken(void) {
  char path[PATH_MAX];
  if (!path_in_folder(path, sizeof path, "output.log")) return false;
  int fd = os_open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);
  if (fd < 0) return false;
  bool taken = os_flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
  os_close(fd);
  return taken;
}

uint64_t log_end(void) { return end_offset; }
uint64_t log_base(void) { return base_offset; }

const uint8_t *log_latest(uint64_t *offset, size_t *length) {
  *offset = latest_offset;
  *length = latest_length;
  return latest;
}

const struct gap *log_last_gap(void) { return *gap_count ? &gaps[*gap_count - 1] : NULL; }

// The recorded gap that has this byte; NULL when it was written.
static const struct gap *gap_of(uint64_t offset) {
  for (size_t i = 0; i < *gap_count; i++)
    if (offset >= gaps[i].offset && offset - gaps[i].offset < gaps[i].length) return &gaps[i];
  return NULL;
}

// How many bytes from `offset` on belong to a recorded gap.
static uint64_t gap_at(uint64_t offset) {
  const struct gap *gap = gap_of(offset);
  return gap ? gap->offset + gap->length - offset : 0;
}

// When the record has no room for one more gap, the last one is made to cover what lies between: it claims
// too much rather than too little.
static void add_gap(uint64_t offset, uint64_t length) {
  struct gap *last = *gap_count ? &gaps[*gap_count - 1] : NULL;
  if (last && (last->offset + last->length == offset || *gap_count == GAPS_LIMIT))
    last->length = offset + length - last->offset;
  else
    gaps[(*gap_count)++] = (struct gap){offset, length};
  // at once, for a successor has to know where the stream stands even where the file could not be lengthened
  record_write();
  server_gap_grew();
}

// Gives up what is older than the last `keep` bytes, in whole steps.
static void retain(void) {
  if (!keep_bytes || cannot_punch || end_offset - base_offset < keep_bytes + RETENTION_STEP) return;
  uint64_t base = (end_offset - keep_bytes) / RETENTION_STEP * RETENTION_STEP;
  if (base <= base_offset) return;
  if (os_punch_hole(log_fd, (off_t)base_offset, (off_t)(base - base_offset)) < 0) {
    cannot_punch = errno != EINTR;
    return;
  }
  base_offset = base;
}

void log_keep(uint64_t bytes) {
  keep_bytes = bytes;
  cannot_punch = false;
  retain();
}

// The hole at the head of the file says how much was given up, by us, by the holder before us, or by a server
// that compressed it.
void log_find_base(void) {
  uint64_t first = (uint64_t)os_first_data(log_fd, (off_t)base_offset) / RETENTION_STEP * RETENTION_STEP;
  if (first > end_offset) first = end_offset / RETENTION_STEP * RETENTION_STEP;
  // a gap at the head is a hole too, but one that has its own record
  while (first > base_offset && gap_at(first - 1)) first -= RETENTION_STEP;
  if (first > base_offset) base_offset = first;
}

// Space is given back in whole steps; while one is, its first pages are gone before its last.
uint64_t log_freed_to(uint64_t offset) {
  log_find_base();
  uint64_t first = (uint64_t)os_first_data(log_fd, (off_t)base_offset), freed = base_offset;
  if (first > end_offset) first = end_offset;
  // a gap is a hole that nobody made: what was freed ends where it begins
  for (const struct gap *gap; first > base_offset && (gap = gap_of(first - 1));) first = gap->offset;
  if (first > base_offset) freed = (first + RETENTION_STEP - 1) / RETENTION_STEP * RETENTION_STEP;
  if (freed > end_offset) freed = end_offset;
  return offset < freed ? freed : 0;
}

// Without memory for it there is simply none, and the hole is one for everybody.
static void keep_spare(uint64_t offset, const uint8_t *bytes, size_t length) {
  if (!spare && !(spare = malloc(SPARE_SIZE))) return;
  if (offset != spare_to) spare_from = offset;
  spare_to = offset + length;
  if (spare_to - spare_from > SPARE_SIZE) spare_from = spare_to - SPARE_SIZE;
  for (size_t done = 0; done < length;) {
    size_t at = (size_t)((offset + done) % SPARE_SIZE), piece = SPARE_SIZE - at < length - done ? SPARE_SIZE - at : length - done;
    memcpy(spare + at, bytes + done, piece);
    done += piece;
  }
}

static size_t read_spare(uint8_t *into, size_t room, uint64_t offset) {
  if (!spare || offset < spare_from || offset >= spare_to) return 0;
  size_t at = (size_t)(offset % SPARE_SIZE), length = (size_t)(spare_to - offset);
  if (length > room) length = room;
  if (length > SPARE_SIZE - at) length = SPARE_SIZE - at;
  memcpy(into, spare + at, length);
  return length;
}

void log_append(const uint8_t *bytes, size_t length) {
  memcpy(latest, bytes, length);
  latest_offset = end_offset;
  latest_length = length;
  size_t done = 0;
  while (done < length) {
    ssize_t written = os_pwrite(log_fd, bytes + done, length - done, (off_t)(end_offset + done));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    done += (size_t)written;
  }
  uint64_t missing_from = end_offset + done;
  end_offset += length;
  if (done < length) {
    keep_spare(missing_from, bytes + done, length - done);
    // the gap is recorded first: a successor must not take the zeros of the lengthened file for output
    add_gap(missing_from, length - done);
    // lengthening takes no blocks: the file's size stays the stream's length
    if (os_ftruncate(log_fd, (off_t)end_offset) < 0) errno = 0;
  }
  retain();
}

// A new file beside the place of the log, locked; -1 where there can be none.
static int begin_new(const char *path) {
  os_unlink(path);
  int fd = os_open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0 || os_flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  os_unlink(path);
  os_close(fd);
  return -1;
}

// What only a file that was removed had is a gap, from `from` to the end, and the new file is as long.
static void lose_from(uint64_t from) {
  record_log_removed(epoch_ms(), end_offset);
  if (end_offset > from) add_gap(from, end_offset - from);
  else record_write();
  if (os_ftruncate(log_fd, (off_t)end_offset) < 0) errno = 0;
}

// Byte N of the new file is still byte N of the stream. What only the old one had is a gap, which is recorded
// before the file is in its place: should we be killed in between, a successor knows from the record where
// the stream stands.
void log_renew(void) {
  char path[PATH_MAX], beside[PATH_MAX];
  struct stat status;
  if (log_fd < 0 || !path_in_folder(path, sizeof path, "output.log")) return;
  if (!path_in_folder(beside, sizeof beside, "output.log~")) return;
  // what somebody else has put there is not written to
  if (os_stat(path, &status) == 0 || errno != ENOENT) return;
  int fd = begin_new(beside);
  if (fd < 0) return;
  log_find_base();
  // below it the server has the stream in another form, or nobody has
  uint64_t from = base_offset;
  os_close(log_fd);
  log_fd = fd;
  cannot_punch = false;
  for (; *gap_count && log_last_gap()->offset + log_last_gap()->length > from; (*gap_count)--)
    if (log_last_gap()->offset < from) from = log_last_gap()->offset;
  lose_from(from);
  // where this fails, the next look finds no log again
  if (os_rename(beside, path) < 0) os_unlink(beside);
}

void log_reach(uint64_t reached) {
  uint64_t from = end_offset;
  if (reached <= from) return;
  end_offset = reached;
  lose_from(from);
}

ssize_t log_read(uint8_t *into, size_t room, uint64_t offset) {
  uint64_t missing = gap_at(offset);
  if (missing) return (ssize_t)read_spare(into, missing < room ? (size_t)missing : room, offset);
  uint64_t limit = end_offset - offset < room ? end_offset : offset + room;
  for (size_t i = 0; i < *gap_count; i++)
    if (gaps[i].offset > offset && gaps[i].offset < limit) limit = gaps[i].offset;
  for (;;) {
    ssize_t length = os_pread(log_fd, into, (size_t)(limit - offset), (off_t)offset);
    if (length >= 0 || errno != EINTR) return length > 0 ? length : 0;
  }
}

uint64_t log_missing_at(uint64_t offset) {
  uint64_t gap = gap_at(offset);
  // the end of a hole may still be in memory
  if (gap && spare && offset < spare_from && spare_from < offset + gap) return spare_from - offset;
  if (gap) return gap;
  // the file was cut by somebody, or the disk cannot read it
  struct stat status;
  bool cut = os_fstat(log_fd, &status) == 0 && (uint64_t)status.st_size <= offset;
  uint64_t rest = end_offset - offset;
  return cut || rest < PAYLOAD_LIMIT ? rest : PAYLOAD_LIMIT;
}
