// The terminal as the holder has it: the master, of which it is the only reader, and an end of its own, held
// open until the program ends.
#include "holder/holder.h"
#include "system/os.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static int master = -1;
static int terminal = -1;  // our own end of it: a moment without any would look like the end
static bool hung_up;       // nothing more can come out of the terminal
static int64_t output_ms;

int holder_master(void) { return master; }
bool pty_hung_up(void) { return hung_up; }
int64_t pty_output_ms(void) { return output_ms; }

void pty_open(int passed_master) {
  master = passed_master;
  os_set_own(master);
  output_ms = now_ms();
}

void pty_hold(int fd) { terminal = fd; }

void pty_let_go(void) {
  if (terminal >= 0) os_close(terminal);
  terminal = -1;
}

void pty_close(void) {
  if (master >= 0) os_close(master);
  master = -1;
  pty_let_go();
}

void pty_size(uint16_t *cols, uint16_t *rows) {
  struct winsize size = {0};
  if (os_ioctl(master, TIOCGWINSZ, &size) < 0) return;
  *cols = size.ws_col;
  *rows = size.ws_row;
}

void pty_set_size(uint16_t cols, uint16_t rows) {
  struct winsize size = {.ws_col = cols, .ws_row = rows};
  if (os_ioctl(master, TIOCSWINSZ, &size) < 0) errno = 0;
}

// What the terminal has now, at most PAYLOAD_LIMIT: it goes to the log before the next, so that a kill of
// this process costs at most that. A terminal gives less than 4096 bytes a read; under a flood several of
// them make one write to the log and one frame, unless a key has come: sixteen take half a millisecond.
size_t pty_read(void) {
  enum { MOST_IN_A_READ = 4096 };
  static uint8_t output[PAYLOAD_LIMIT];
  size_t have = 0;
  ssize_t length;
  do {
    length = os_read(master, output + have, sizeof output - have);
    if (length > 0) have += (size_t)length;
  } while (length >= FULL_READ && sizeof output - have >= MOST_IN_A_READ && !server_keys_wait());
  // EIO: no process has the terminal open any more
  if (length == 0 || (length < 0 && !os_was_early())) hung_up = true;
  if (have == 0) return 0;
  output_ms = now_ms();
  times_mark(log_end());
  log_append(output, have);
  return have;
}

// Output stands still between the two: who writes to the terminal waits, as after Ctrl+S. Not for a terminal
// that is set not to wait: there a program would get EAGAIN, which few expect.
static bool stop_output(void) {
  return terminal >= 0 && !(os_fcntl(terminal, F_GETFL, 0) & O_NONBLOCK) && os_tcflow(terminal, TCOOFF) == 0;
}

void pty_continue(void) {
  if (terminal >= 0) os_tcflow(terminal, TCOON);
}

void holder_resize(uint16_t cols, uint16_t rows) {
  // what the program wrote for the old size belongs before the resize; bounded, for a flood that cannot be
  // stopped has no such moment
  enum { READS_BEFORE = 16 };
  if (master < 0 || cols == 0 || rows == 0) return;
  bool stopped = stop_output();
  for (int i = 0; i < READS_BEFORE && !hung_up && pty_read() > 0; i++) server_pump();
  pty_set_size(cols, rows);
  times_size(log_end(), cols, rows);
  if (stopped) pty_continue();
}

ssize_t holder_type(const uint8_t *bytes, size_t length) {
  if (master < 0 || holder_state() != RUNNING) return -1;
  size_t done = 0;
  while (done < length) {
    ssize_t taken = os_write(master, bytes + done, length - done);
    if (taken > 0) done += (size_t)taken;
    else if (taken == 0 || errno == EAGAIN || errno == EWOULDBLOCK) break;
    else if (errno != EINTR) return done ? (ssize_t)done : -1;
  }
  return (ssize_t)done;
}
