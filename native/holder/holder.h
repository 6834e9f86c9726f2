// The parts of the holder and what they ask of each other. One process holds one session, so each part keeps
// its state to itself.
#ifndef FALCON_HOLDER_H
#define FALCON_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "system/os.h"

// Every connection begins with version 1, and speaks a later one from where it asks for it: so an older
// server never meets what it does not know.
enum { PROTOCOL_VERSION = 1, PROTOCOL_HIGHEST = 2 };

// Frame types (docs/design/protocol.md, Holder). A number is never used again for something else.
enum {
  TO_GO = 1,
  TO_SUBSCRIBE = 2,
  TO_INPUT = 3,
  TO_WINSIZE = 4,
  TO_SIGNAL = 5,
  TO_FD = 6,
  TO_RELEASE = 7,
  TO_KEEP = 8,
  TO_SPEAK = 9,
  TO_KEYS = 10,
  TO_RENEW = 11,
  FROM_HELLO = 65,
  FROM_DATA = 66,
  FROM_EXIT = 67,
  FROM_FD = 68,
  FROM_GAP = 69,
  FROM_TYPED = 70,
  FROM_SIZED = 71,
  FROM_HOLE = 72,
  FROM_TAKEN = 73,
  FROM_INTERRUPTED = 74,
};

enum {
  FLAG_ADOPTED = 1,
  FLAG_HOLES = 2,
  FLAG_EXEC_FAILED = 4,
  FLAG_COUNTS_INTERRUPTS = 8,
};

// Whom SIGNAL reaches.
enum {
  TARGET_PROGRAM = 0,
  TARGET_FOREGROUND = 1,
  TARGET_DESCENDANTS = 2,
};

// The largest payload in either direction, less the offset in front of DATA.
enum { PAYLOAD_LIMIT = 65536 };

// Why bytes of the stream cannot be had.
enum hole_reason {
  HOLE_NOT_STORED = 1,  // the disk was full, or the file was cut
  HOLE_FREED = 2,       // let go of since: beyond what is retained, or stored in another form
};

enum holder_state {
  WAITING_FOR_GO,  // nothing runs yet
  RUNNING,
  DRAINING,  // the program is gone, what it wrote last may still be in the terminal
  ENDED,     // the end is recorded
};

// How the program ended; `status` as of waitpid(2), -1 when nobody can know it any more.
struct ending {
  int32_t status;
  uint64_t end;  // bytes of output
  uint64_t time_ms;
  uint64_t user_us, system_us, peak_kib;
};

// What the server orders at the start.
struct orders {
  mode_t umask;
  uint64_t keep;
  int oom_score;
  uint16_t cols, rows;
  size_t limit_count;
  const uint8_t *limits;  // limit_count times u32 resource, u64 soft, u64 hard
};

// ---- holder.c: the session as a whole
extern const char *session_folder;
enum holder_state holder_state(void);
int holder_flags(void);
int holder_exec_error(void);
pid_t holder_program(void);
uint64_t holder_start_ms(void);
const struct ending *holder_ending(void);
int64_t now_ms(void);        // steady clock
uint64_t epoch_ms(void);     // wall clock
// Takes the terminal and starts (or adopts) the program; false when the orders or the descriptor make no
// sense.
bool holder_go(int master, const struct orders *orders);
void holder_signal(int number, int target);
void holder_release(void);
// What was removed of the session's folder is made anew, as far as that can be done.
void holder_renew(void);
char *path_in_folder(char *path, size_t room, const char *name);

// ---- holder_pty.c: the terminal
int holder_master(void);  // -1 when there is none any more
void pty_open(int master);
void pty_hold(int fd);   // keeps this descriptor of the program's side open (-1: none)
void pty_let_go(void);   // closes it
void pty_close(void);    // closes it and the master
void pty_size(uint16_t *cols, uint16_t *rows);
void pty_set_size(uint16_t cols, uint16_t rows);
// Gives it a size where its output stands now.
void holder_resize(uint16_t cols, uint16_t rows);
// Reads what the terminal holds, appends it to the log, and returns how many bytes that were; FULL_READ and
// more mean a flood.
enum { FULL_READ = 4000 };
size_t pty_read(void);
bool pty_hung_up(void);       // nothing more can come out of it
int64_t pty_output_ms(void);  // when something last came
// Output that was stopped goes on.
void pty_continue(void);
// Writes to it; how many bytes it took, 0 when it would block, -1 when there is no terminal any more.
ssize_t holder_type(const uint8_t *bytes, size_t length);

// ---- holder_log.c: output.log, its gaps and its retention
struct gap {
  uint64_t offset, length;
};
struct size_mark {
  uint64_t offset;
  uint16_t cols, rows;
};
bool log_open(bool adopt);
bool log_is_taken(void);
// Makes it anew where it was removed; what was in it is a gap then.
void log_renew(void);
// The stream was this long already: what the file lacks of it somebody removed while no holder was there to
// see it, and it is a gap. What a server has compressed of that is in its segments still, but hidden by the
// gap.
void log_reach(uint64_t reached);
void log_append(const uint8_t *bytes, size_t length);
uint64_t log_end(void);
uint64_t log_base(void);
void log_keep(uint64_t bytes);
void log_find_base(void);
// The latest bytes that came, which need no reading back; they start at *offset.
const uint8_t *log_latest(uint64_t *offset, size_t *length);
// Up to `room` bytes from `offset` (below the end) on; 0 when they cannot be had, see log_missing_at.
ssize_t log_read(uint8_t *into, size_t room, uint64_t offset);
// Where what was let go of ends, if that is past `offset`; else 0. Ask after log_read: space that is freed
// during a read gives zeros, which are no output.
uint64_t log_freed_to(uint64_t offset);
// How many bytes from `offset` on have to be passed over, where log_read had none.
uint64_t log_missing_at(uint64_t offset);
const struct gap *log_last_gap(void);

// ---- holder_record.c: `record` and `times`
bool record_create(void);
bool record_adopt(void);
void record_start(uint64_t time_ms, pid_t pid);
void record_exec_failed(int error);
void record_adopted(uint64_t time_ms, uint64_t offset);
// The log was removed, and begins anew here.
void record_log_removed(uint64_t time_ms, uint64_t offset);
void record_ending(const struct ending *ending);
bool record_is_safe(void);  // what is recorded is on disk
void record_retry(void);    // tries again to write what could not be written, and makes the file anew where it was deleted
uint64_t record_start_time(void);
pid_t record_pid(void);
const struct ending *record_end(void);  // NULL while none is recorded
enum { GAPS_LIMIT = 64 };
struct gap *record_gaps(size_t **count);
void record_write(void);

void times_open(bool adopt);
uint64_t times_reached(void);  // how long the stream was at the last entry
// Makes it anew where it was removed; what came before has no time any more.
void times_renew(uint64_t offset, uint16_t cols, uint16_t rows);
void times_mark(uint64_t offset);  // output arrives now at this offset
void times_size(uint64_t offset, uint16_t cols, uint16_t rows);
void times_end(uint64_t offset);

// ---- holder_child.c: the program
// Starts it on the terminal that is our standard input; 0, or the errno of what failed. *pid is set before
// the record is written by `before_exec`.
int child_launch(char **arguments, const struct orders *orders, pid_t *pid, void (*before_exec)(pid_t pid));
// Undoes percent-coding in these words and in all variables, and enters the directory that the first word is.
// False with a word on stderr.
bool child_decode(char **words);
// Collects every dead child; true when the program itself was among them.
bool child_reap(pid_t program, struct ending *ending);
// `program` is 0 once it is gone: then only what it left behind can be reached.
void child_signal(pid_t program, int master, int number, int target);

// ---- holder_server.c, holder_typing.c, holder_cursor.c: the socket, and who is behind it
struct pollfd;
enum { POLL_SLOTS = 65 };  // the listener and 64 connections
void server_begin(void);
bool server_listen(void);
// Makes the socket (and the folder) anew where its path is gone.
void server_check_path(void);
void server_leave(void);
// Fills slots (POLL_SLOTS of them at most) and returns how many.
size_t server_poll(struct pollfd *slots);
void server_handle(const struct pollfd *slots);
// Sends what there is to send: a bounded amount, without waiting.
void server_pump(void);
// True while typed bytes wait for the terminal and for nobody else.
bool server_typing(void);
// Whether a viewer's client has sent keys that were not read yet, or has hung up; and takes those.
bool server_keys_wait(void);
void server_take_keys(void);
// When the turn of somebody who has not typed all of theirs ends (steady ms); 0: there is none.
int64_t server_turn_end(void);
// When connections that found no descriptor are tried again (steady ms); 0: there are none.
int64_t server_accept_again(void);
// When servers are to hear of output that was held back for SERVED_LATER_MS (steady ms); 0: there is none.
int64_t server_later_end(void);
// The terminal has this size from here on.
void server_sized(uint64_t offset, uint16_t cols, uint16_t rows);
// The terminal takes bytes again.
void server_deliver_typing(void);
size_t server_connections(void);
void server_gap_grew(void);
bool server_gap_untold(void);

#endif
