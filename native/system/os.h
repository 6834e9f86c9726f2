// What the platforms do differently, and what Node lacks: one face, implemented by os_linux.c and
// os_darwin.c.
#ifndef FALCON_OS_H
#define FALCON_OS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "system/os_calls.h"

// Closes every descriptor from `first` on: the program must inherit nothing of ours.
void os_close_from(int first);

// Makes this process the parent of every orphan below it, so that daemons of the program stay countable. No
// effect where there is no such thing.
void os_become_reaper(void);

// Who is at the other end of a Unix socket; 0, or -1 with errno. *pid is -1 where the system does not tell.
int os_peer(int fd, uid_t *uid, pid_t *pid);

// Gives the blocks of a range of a file back, leaving its length; 0, or -1 with errno (EOPNOTSUPP where the
// file system cannot).
int os_punch_hole(int fd, off_t offset, off_t length);

// The first offset from `from` on that holds data; `from` where the system cannot tell; the file's length
// where there is none.
off_t os_first_data(int fd, off_t from);

// Whether the file system of `path` lives on another machine: 1 or 0; -1 with errno.
int os_on_network(const char *path);

// Whether the absolute path is below a mount of a network file system by the kernel's list of mounts alone:
// the file system itself is not asked, and need not answer. False also where that is not known (symbolic
// links in the path, another kernel).
bool os_network_mount(const char *path);

// True when `master` is the other side of the terminal `slave`; true too where this cannot be told.
bool os_is_master_of(int master, int slave);

// Opens the terminal of `master` without making it the controlling one; -1 with errno.
int os_open_terminal(int master);

// Before the fork: lets go of the controlling terminal, so that the program can take it.
void os_give_up_terminal(int terminal);

// In the program's process: a session and foreground process group of its own on `terminal` (our standard
// input); 0, or -1 with errno.
int os_take_terminal(int terminal);

// Raises this process's own oom_score_adj to `score` where that is higher than now. Never lowers it: that
// needs a privilege.
void os_raise_oom_score(int score);

// This process's own oom_score_adj; false where there is no such thing. Below what root has once set for an
// ancestor it needs a privilege.
bool os_oom_score(int *score);
bool os_set_oom_score(int score);

// The processors that this process may run on, bit N % 8 of byte N / 8 for processor N: fills `mask` and
// returns its bytes that count, 0 where there is no such thing.
enum { OS_PROCESSORS_ROOM = 1024 };
size_t os_processors(uint8_t mask[OS_PROCESSORS_ROOM]);
// Of those in `mask`, all that the control group has. False where that is none, or there is no such thing.
bool os_use_processors(const uint8_t *mask, size_t length);

// A descriptor that polls readable when an address or a link of this machine changes and is non-blocking
// (what it says may be read away), or -1 where there is none.
int os_watch_network(void);

// A descriptor that polls readable once process `pid` has ended, or -1 where there is no such thing (then ask
// os_is_running).
int os_watch_process(pid_t pid);

// False when there is no such process or only its zombie is left.
bool os_is_running(pid_t pid);

// All processes below the `count` processes `roots`, and all of the session of `session_of` (0: none); the
// roots themselves are included where `session_of` is one of them. Returns how many, at most `room`, written
// to `found`.
size_t os_descendants(const pid_t *roots, size_t count, pid_t session_of, pid_t *found, size_t room);

// Asks the scheduler to let this process run soon after it was woken, for short pieces of time: for those
// that pass keys and output on. It gets no larger share of the processors, and what it starts inherits
// nothing of it. No effect where there is no such thing (Linux before 6.12).
void os_prefer_latency(void);

// As os_poll, but stays awake for the first `awake_us` microseconds, though it lets others have the
// processor: for what is expected in less than the time that it takes to wake an idle processor.
int os_poll_awake(struct pollfd *slots, nfds_t count, int ms, int64_t awake_us);

// The machine's id and that of its present boot, where a call of the system and no file tells them; false:
// the files are to be read.
bool os_machine_ids(char *id, char *boot, size_t room);

// Milliseconds of a clock that never jumps and does not stop while the machine sleeps, where there is one.
int64_t os_steady_ms(void);

#endif
