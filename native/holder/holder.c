// holder: one process per session, spawned by node-pty as the first process of the pty. It gets its own
// master over a socket, gives the terminal to the real program, and is from then on the only reader of the
// master: it appends every byte to the log before anyone sees it, serves the log by offset, reaps the program
// and records its end. A server may come, go, crash or freeze: the program never notices.
//   holder FOLDER -- COMMAND [ARGUMENT ...]
//   holder FOLDER --coded DIRECTORY COMMAND [ARGUMENT ...]
//   holder FOLDER --adopt PID     in place of a holder that was killed
// With --coded, these and all variables are percent-coded, and it enters DIRECTORY. Before `--` and `--coded`
// may stand --allowance NICENESS,OOM_SCORE_ADJ,PROCESSORS: taken on at once, so that the program has them
// too.
// The wire and the files are docs/design/protocol.md's. Nothing that arrives on the socket may end this
// process.
#include "system/allowance.h"
#include "holder/holder.h"
#include "system/os.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Exit statuses of our own, from sysexits.h; after the end it is the program's.
enum { EX_WRONG_USAGE = 64, EX_NO_TERMINAL = 71, EX_NO_SOCKET = 73, EX_NO_FILES = 74, EX_NOT_STARTED = 75 };

// How long the server may take from spawning us to GO. A dead one is noticed at once by the terminal's
// hang-up; this is for a frozen one.
enum { GO_LIMIT_MS = 30000 };
// The program is gone but something it started keeps its terminal open: this much silence counts as the end
// of the output.
enum { SILENCE_MS = 100 };
// And where that something never falls silent, this long after the program's end.
enum { LONGEST_DRAIN_MS = 3000 };
// After the end is on disk, nobody connected for this long: nobody needs us.
enum { LONELY_MS = 1000 };
enum { PATH_CHECK_MS = 60000 };
// A record that could not be written is tried again this often.
enum { RECORD_RETRY_MS = 5000 };
// How often a program that is not our child is looked at, where the system cannot tell us of its end.
enum { WATCH_MS = 500 };

const char *session_folder;
static char **program_arguments;
static pid_t adopted_program;

static enum holder_state state = WAITING_FOR_GO;
static pid_t program;
static uint64_t start_ms;
static int exec_error;
static struct ending ending = {.status = -1};
static bool released;
static int watch = -1;          // polls readable when an adopted program ends
static int signal_pipe[2];
static int64_t program_gone_ms, lonely_since_ms, path_checked_ms, record_tried_ms;

enum holder_state holder_state(void) { return state; }
int holder_exec_error(void) { return exec_error; }
pid_t holder_program(void) { return program; }
uint64_t holder_start_ms(void) { return start_ms; }
const struct ending *holder_ending(void) { return state == ENDED ? &ending : NULL; }

int holder_flags(void) {
  return FLAG_COUNTS_INTERRUPTS | (adopted_program ? FLAG_ADOPTED : 0) | (log_last_gap() ? FLAG_HOLES : 0) |
         (exec_error ? FLAG_EXEC_FAILED : 0);
}

int64_t now_ms(void) { return os_steady_ms(); }

uint64_t epoch_ms(void) {
  struct timespec t;
  os_clock_gettime(CLOCK_REALTIME, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

char *path_in_folder(char *path, size_t room, const char *name) {
  int length = snprintf(path, room, "%s/%s", session_folder, name);
  if (length > 0 && (size_t)length < room) return path;
  errno = ENAMETOOLONG;
  return NULL;
}

// ---- beginning and end

static void end_session(void) {
  ending.end = log_end();
  ending.time_ms = epoch_ms();
  times_end(log_end());
  record_ending(&ending);
  record_tried_ms = lonely_since_ms = now_ms();
  state = ENDED;
  // what still has the terminal open is on its own now, as when a terminal's window closes
  pty_close();
}

static void program_is_gone(void) {
  state = DRAINING;
  program_gone_ms = now_ms();
  pty_let_go();
}

static void before_exec(pid_t pid) {
  start_ms = epoch_ms();
  record_start(start_ms, pid);
}

static void launch(const struct orders *orders) {
  exec_error = child_launch(program_arguments, orders, &program, before_exec);
  // our own standard streams leave the terminal to the program, and our directory does not keep a file system
  // busy
  pty_hold(os_fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  int nowhere = os_open("/dev/null", O_RDWR | O_CLOEXEC, 0);
  for (int fd = 0; fd <= 2; fd++)
    if (nowhere >= 0) os_dup2(nowhere, fd);
  if (nowhere > 2) os_close(nowhere);
  if (os_chdir("/") < 0) errno = 0;
  state = RUNNING;
  if (exec_error == 0) return;
  if (program < 0) program = 0;  // the fork itself failed
  record_exec_failed(exec_error);
  ending.status = (exec_error == ENOENT ? 127 : 126) << 8;
  end_session();
}

static void adopt(void) {
  start_ms = record_start_time();
  program = adopted_program;
  if (record_end()) {  // killed after all was said and done
    ending = *record_end();
    program = record_pid() ? record_pid() : program;
    state = ENDED;
    lonely_since_ms = now_ms();
    pty_close();
    return;
  }
  record_adopted(epoch_ms(), log_end());
  state = RUNNING;
  pty_hold(os_open_terminal(holder_master()));
  pty_continue();  // the one before may have been killed while it gave the terminal a size
  watch = os_watch_process(program);
  // the program leads its session; a process of that number that does not is another one
  if (os_getsid(program) != program || !os_is_running(program)) program_is_gone();
}

bool holder_go(int passed_master, const struct orders *orders) {
  if (!os_is_master_of(passed_master, adopted_program ? -1 : STDIN_FILENO)) return false;
  if (!log_open(adopted_program != 0)) {
    int error = errno;
    fprintf(stderr, "holder: %s: %s\r\n", session_folder,
            error == EWOULDBLOCK ? "another holder is alive" : error == EEXIST ? "belongs to another run" : strerror(error));
    server_leave();
    os_exit(error == EWOULDBLOCK || error == EEXIST ? EX_NOT_STARTED : EX_NO_FILES);
  }
  pty_open(passed_master);
  if (orders->cols && orders->rows) pty_set_size(orders->cols, orders->rows);
  uint16_t cols = orders->cols, rows = orders->rows;
  pty_size(&cols, &rows);
  times_open(adopted_program != 0);
  if (adopted_program) log_reach(times_reached());
  times_size(log_end(), cols, rows);
  server_sized(log_end(), cols, rows);
  log_keep(orders->keep);
  if (adopted_program) adopt();
  else launch(orders);
  return true;
}

void holder_signal(int number, int target) {
  if (state == WAITING_FOR_GO) return;
  child_signal(state == RUNNING ? program : 0, holder_master(), number, target);
}

void holder_release(void) {
  if (state == ENDED) released = true;
}

// ---- the loop

static void note_signal(int number) {
  int before = errno;
  uint8_t byte = (uint8_t)number;
  if (os_write(signal_pipe[1], &byte, 1) < 0) errno = before;  // a full pipe wakes the loop as well
  errno = before;
}

static bool prepare_signals(void) {
  // SIGTERM too: at a shutdown the program gets its own, and a second one from us would make it drop what it
  // has not saved
  static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE, SIGALRM, SIGUSR2, SIGXFSZ};
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) os_signal(ignored[i], SIG_IGN);
  if (os_pipe(signal_pipe) < 0) return false;
  for (int i = 0; i < 2; i++) os_set_own(signal_pipe[i]);
  struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  return os_sigaction(SIGCHLD, &action, NULL) == 0 && os_sigaction(SIGUSR1, &action, NULL) == 0;
}

static void take_signals(void) {
  uint8_t numbers[64];
  ssize_t count = os_read(signal_pipe[0], numbers, sizeof numbers);
  struct ending found = ending;
  if (child_reap(adopted_program ? 0 : program, &found) && state == RUNNING) {
    ending = found;
    program_is_gone();
  }
  for (ssize_t i = 0; i < count; i++)
    if (numbers[i] == SIGUSR1) path_checked_ms = INT64_MIN / 2;
}

// Milliseconds until `at`, or `before` where that is sooner; -1 is never.
static int sooner(int before, int64_t at) {
  int64_t left = at - now_ms();
  if (left < 0) left = 0;
  return before >= 0 && before < left ? before : left > INT_MAX ? INT_MAX : (int)left;
}

static int64_t last_sign_of_life(void) { return pty_output_ms() > program_gone_ms ? pty_output_ms() : program_gone_ms; }

static int next_timeout(int64_t began_ms) {
  int timeout = server_accept_again() ? sooner(-1, server_accept_again()) : -1;
  if (state == WAITING_FOR_GO) return sooner(timeout, began_ms + GO_LIMIT_MS);
  timeout = sooner(timeout, path_checked_ms + PATH_CHECK_MS);
  if (state == RUNNING && adopted_program && watch < 0) timeout = sooner(timeout, now_ms() + WATCH_MS);
  if (state == DRAINING) {
    timeout = sooner(timeout, last_sign_of_life() + SILENCE_MS);
    timeout = sooner(timeout, program_gone_ms + LONGEST_DRAIN_MS);
  }
  if (state == ENDED && server_connections() == 0) timeout = sooner(timeout, lonely_since_ms + LONELY_MS);
  if (!record_is_safe()) timeout = sooner(timeout, record_tried_ms + RECORD_RETRY_MS);
  if (server_gap_untold()) timeout = sooner(timeout, now_ms() + WATCH_MS);
  if (server_turn_end()) timeout = sooner(timeout, server_turn_end());
  if (server_later_end()) timeout = sooner(timeout, server_later_end());
  return timeout;
}

void holder_renew(void) {
  server_check_path();
  if (state != WAITING_FOR_GO) record_retry();
  if (state != RUNNING && state != DRAINING) return;
  log_renew();
  uint16_t cols = 0, rows = 0;
  pty_size(&cols, &rows);
  times_renew(log_end(), cols, rows);
}

static void keep_house(void) {
  int64_t now = now_ms();
  if (now - path_checked_ms >= PATH_CHECK_MS) {
    path_checked_ms = now;
    holder_renew();
  }
  if (!record_is_safe() && now - record_tried_ms >= RECORD_RETRY_MS) {
    record_tried_ms = now;
    record_retry();
  }
  if (state == RUNNING && adopted_program && watch < 0 && !os_is_running(program)) program_is_gone();
  if (state == DRAINING &&
      (pty_hung_up() || now - last_sign_of_life() >= SILENCE_MS || now - program_gone_ms >= LONGEST_DRAIN_MS))
    end_session();
  if (server_connections() > 0) lonely_since_ms = now;
}

// After the end, once it is stored: on disk with nobody here, or by the server's word.
static bool may_leave(void) {
  if (state != ENDED) return false;
  return released || (record_is_safe() && server_connections() == 0 && now_ms() - lonely_since_ms >= LONELY_MS);
}

enum { SLOT_SIGNALS, SLOT_MASTER, SLOT_WATCH, SLOT_SERVER, SLOTS = SLOT_SERVER + POLL_SLOTS };

// Polls everything once and handles what came: one read of the terminal at most, so that everyone has a turn.
static void turn(int64_t began_ms) {
  struct pollfd slots[SLOTS];
  short wanted = (short)((pty_hung_up() ? 0 : POLLIN) | (state == RUNNING && server_typing() ? POLLOUT : 0));
  slots[SLOT_SIGNALS] = (struct pollfd){.fd = signal_pipe[0], .events = POLLIN};
  slots[SLOT_MASTER] = (struct pollfd){.fd = wanted ? holder_master() : -1, .events = wanted};
  slots[SLOT_WATCH] = (struct pollfd){.fd = state == RUNNING ? watch : -1, .events = POLLIN};
  // before GO: a hang-up of the terminal means that the server that spawned us is gone
  if (state == WAITING_FOR_GO && !adopted_program) slots[SLOT_MASTER] = (struct pollfd){.fd = STDIN_FILENO, .events = 0};
  size_t count = SLOT_SERVER + server_poll(&slots[SLOT_SERVER]);
  if (os_poll(slots, (nfds_t)count, next_timeout(began_ms)) < 0 && errno != EINTR) return;
  bool waiting = state == WAITING_FOR_GO;
  if (waiting && ((slots[SLOT_MASTER].revents & (POLLHUP | POLLERR)) || now_ms() - began_ms >= GO_LIMIT_MS)) {
    server_leave();
    os_exit(EX_NOT_STARTED);
  }
  if (slots[SLOT_SIGNALS].revents) take_signals();
  if (state == RUNNING && slots[SLOT_WATCH].revents) program_is_gone();
  if (server_typing() && (state != RUNNING || (slots[SLOT_MASTER].revents & POLLOUT))) server_deliver_typing();
  // a key goes to the program before a flood is read
  server_handle(&slots[SLOT_SERVER]);
  if (!waiting && holder_master() >= 0 && (slots[SLOT_MASTER].revents & (POLLIN | POLLHUP | POLLERR))) {
    // after a full read, a key that arrived during it goes before that output is sent on; a short read takes
    // too little time for one
    if (pty_read() >= FULL_READ) server_take_keys();
  }
  keep_house();
  server_pump();
}

static bool take_arguments(int count, char **arguments) {
  if (count < 4 || arguments[1][0] != '/') return false;
  session_folder = arguments[1];
  if (strcmp(arguments[2], "--allowance") == 0) {
    if (count < 6 || !allowance_take(arguments[3])) return false;
    arguments += 2;
    count -= 2;
  }
  if (strcmp(arguments[2], "--coded") == 0) {
    program_arguments = arguments + 4;
    return count > 4 && child_decode(arguments + 3);
  }
  if (strcmp(arguments[2], "--") == 0) {
    program_arguments = arguments + 3;
    return true;
  }
  adopted_program = strcmp(arguments[2], "--adopt") == 0 ? atoi(arguments[3]) : 0;
  return adopted_program > 1;
}

int main(int count, char **arguments) {
  if (!take_arguments(count, arguments)) {
    fprintf(stderr, "usage: holder FOLDER [--allowance NICENESS,OOM_SCORE_ADJ,PROCESSORS] -- COMMAND [ARGUMENT ...]\n"
                    "       holder FOLDER [--allowance ...] --coded DIRECTORY COMMAND [ARGUMENT ...]\n"
                    "       holder FOLDER --adopt PID\n");
    return EX_WRONG_USAGE;
  }
  os_close_from(3);
  os_become_reaper();
  os_prefer_latency();
  if (!prepare_signals()) return EX_NO_TERMINAL;
  server_begin();
  // a successor must not take the socket's path from a holder that lives after all
  if (adopted_program && log_is_taken()) {
    fprintf(stderr, "holder: %s: another holder is alive\n", session_folder);
    return EX_NOT_STARTED;
  }
  if (!server_listen()) {
    fprintf(stderr, "holder: %s: %s\r\n", session_folder, strerror(errno));
    return EX_NO_SOCKET;
  }
  int64_t began_ms = path_checked_ms = now_ms();
  while (!may_leave()) turn(began_ms);
  server_leave();
  if (adopted_program) return 0;
  return WIFEXITED(ending.status) ? WEXITSTATUS(ending.status) : 128 + WTERMSIG(ending.status);
}
