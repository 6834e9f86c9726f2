// What the client's parts share: the frames that it speaks, its limits, its one state, and what each part
// does for the others. The parts are client.c (its turn) and client_*.c, each of which says what it is for.
#ifndef FALCON_CLIENT_H
#define FALCON_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "remote/channel.h"
#include "system/frame.h"
#include "system/os.h"
#include "home/place.h"

#ifndef FALCON_VERSION
#define FALCON_VERSION "0.0.0"
#endif

enum { PROTOCOL = 1 };

// Frame types (docs/design/protocol.md, Client).
enum {
  TO_HELLO = 1,
  TO_ARG = 2,
  TO_ENV = 3,
  TO_DIRECTORY = 4,
  TO_TERMINAL = 5,
  TO_LIMIT = 6,
  TO_TOKEN = 7,
  TO_RUN = 8,
  TO_SCHEDULING = 9,
  TO_INPUT = 20,
  TO_INPUT_END = 21,
  TO_SIZE = 22,
  TO_SIGNAL = 23,
  TO_CONTINUED = 24,
  TO_INPUT_AT = 25,
  TO_DIRECT_AT = 26,
  TO_DIRECT_ENDED = 27,
  TO_INPUT_FROM = 28,
  FROM_HELLO = 65,
  FROM_STDOUT = 66,
  FROM_STDERR = 67,
  FROM_EXIT = 68,
  FROM_EXEC = 69,
  FROM_INPUT_MODE = 70,
  FROM_SIGNALS = 71,
  FROM_RESUME = 72,
  FROM_RESTORE = 73,
  FROM_RECONNECT = 74,
  FROM_LEAVE_KEYS = 75,
  FROM_TAKEN = 76,
  FROM_DIRECT = 77,
  FROM_DIRECT_END = 78,
  FROM_KEYS_OPEN = 79,
  FROM_KEYS_CLOSE = 80,
  FROM_INPUT_TAKEN = 81,
  FROM_RESUME_SAME = 82,
};

enum { INPUT_OFF = 0, INPUT_PLAIN = 1, INPUT_RAW = 2 };

enum {
  STATUS_OURS = 125,
  STATUS_NOT_EXECUTABLE = 126,
  STATUS_NOT_FOUND = 127,
  // The longest payload in either direction.
  PAYLOAD_LIMIT = 1 << 20,
  // So much of what the server says is kept while the terminal is slow; then the socket is not read, and the
  // server notices.
  UNWRITTEN_LIMIT = 256 << 10,
  // So much typed input is kept while the server is slow; then the terminal is not read.
  UNSENT_LIMIT = 1 << 20,
  READ_PIECE = 64 << 10,
  // Above this a signal ends the client and is not queued for the server: beyond UNSENT_LIMIT there is room
  // for one read of the terminal and some ten thousand frames of signals.
  UNSENT_MOST = UNSENT_LIMIT + 2 * READ_PIECE,
  // A server that has not said HELLO by then hangs.
  HELLO_MS = 5000,
  // The server that told us to go to the next one has this long to close its side.
  GOODBYE_MS = 5000,
  // A connection that held so long starts the count of losses anew; after MOST_LOSSES in a row nothing better
  // is to be expected.
  STEADY_MS = 10000,
  MOST_LOSSES = 5,
  // Descriptors that wait for their frames, which wait for the terminal; then no more is read.
  PASSED_MOST = 8,
  // Pause before asking again, times the losses.
  AGAIN_MS = 20,
  // What was typed waits for the holder to say that it has what went there; a wake-up for the case that it
  // does not.
  KEYS_AGAIN_MS = 20,
  // The echo of a key comes sooner than this (us), and sooner still where the client has not to be woken for
  // it: of 215 us on an idle machine of two processors that was 35.
  ECHO_US = 300,
  // What was typed for another machine longer ago than this is late: whoever typed it may mean something else
  // by now.
  LATE_MS = 3000,
  // Another machine is tried again after the first pause, then after twice as long, and so on.
  FIRST_PAUSE_MS = 1000,
  LONGEST_PAUSE_MS = 30000,
  // Its HELLO is on its way for longer.
  FAR_HELLO_MS = 20000,
};

// All that the client knows between two turns.
struct client {
  const char *called_as;
  const char *place_order;  // the job whose server is to be asked instead of our own (place.h)
  struct place place;
  char **first_arguments;  // as we were called, without our name
  size_t first_count;
  uint8_t token[16];

  int connection;
  pid_t server_pid;
  bool greeted;          // HELLO has come
  bool going;            // RECONNECT has come
  bool lost;             // the server's side is at its end
  int64_t connected_at;  // steady ms
  int64_t going_since, heard_at;
  int losses;
  // The server whose connection was lost last, if it had greeted us; 0 after a loss of any other kind.
  pid_t lost_server;
  uint8_t sent_before;  // how often this request was sent to another server

  int input_mode;
  bool reads_input;  // the present server has said how
  bool input_ended, told_end;
  bool forward_signals;
  bool holds_signals;  // those that a server is to be told wait until the next one has begun to answer
  // The terminal is as a server that was lost has left it, until the next one says how to put it back.
  bool inherits;
  uint8_t *resume;  // strings, each with its NUL
  size_t resume_length;

  // What the server said and nobody has dealt with: in[in_start .. in_end).
  uint8_t *in;
  size_t in_room, in_start, in_end;
  // Of an output frame: so many bytes are still to be written to `out_stream`.
  size_t out_left;
  int out_stream;
  bool out_blocked;
  bool out_waits;  // a frame of output waits until the direct way is at rest
  bool error_gone;  // nobody reads our stderr
  bool tell_size, tell_continued;  // the server is to hear of it, once there is one that listens
  bool left_terminal;              // for a stop, and no server has drawn anything since we go on

  // What is to be sent.
  uint8_t *unsent;
  size_t unsent_room, unsent_start, unsent_end;

  int signal_pipe[2];
  bool pipe_was_ignored;

  // Descriptors that came, oldest first, until the frames that they came with are obeyed: those may wait for
  // the terminal.
  int passed[PASSED_MOST];
  size_t passed_count;
  uint32_t inputs_sent;  // INPUT and INPUT_AT frames, on this connection
  bool expects_echo;     // a key has just gone to the holder, and it is all that is going on
  bool orphan;      // output comes from the holder, by the word of a server that is gone
  bool titled;      // the window's title says so
  struct channel_far far;  // where the server is another machine's
  bool away;         // that machine cannot be reached now
  int pause_ms;      // before it is tried again
  bool asks_unsent;  // the question is only about what was not sent
};

extern struct client client;

// ---- client.c: the turn

// While no server is there: waits for `fd`, at most so long. A signal that the next server will be told waits
// for it, any other is seen to at once. Output goes on, keys wait or go to the holder, and who wants to leave
// can. 0: the time is over; 1: there is something to be read; 2: a key was pressed while another machine is
// away.
int client_wait_for(int fd, int ms);

// ---- client_end.c

_Noreturn void client_leave(int status);
// Puts the terminal back, says one sentence, and ends.
__attribute__((format(printf, 1, 2))) _Noreturn void client_die(const char *format, ...);
// The server stands still, or is gone, and the person wants to go: what was typed since is withdrawn with us.
_Noreturn void client_leave_frozen(void);
// The memory; the end where there is none.
void *client_must(void *memory);

// ---- client_sending.c

// Room for so many bytes behind those that wait to be sent.
uint8_t *client_room(size_t length);
void client_send(uint8_t type, const void *payload, size_t length);
// Bytes that wait to be sent.
size_t client_unsent(void);
// Sends what the connection takes.
void client_flush(void);
// The size as it is now, and that we were stopped: however often that happened since, it is told once.
void client_send_news(void);

// ---- client_request.c

// The whole request: who we are and what is asked.
void client_send_request(void);
// What we asked is what to ask of the next server.
void client_resume_same(void);

// ---- client_signals.c

void client_catch_signals(void);
// A program that we become has SIGPIPE as our caller had it.
void client_restore_sigpipe(void);
void client_take_signals(void);

// ---- client_direct.c

// The descriptor that the frame at hand carries; -1 where none came.
int client_take_passed(void);
void client_go_direct(const uint8_t *payload, size_t length);
// The server has dealt with `count` of what was typed; what it has not seen yet may be anything.
void client_allow_keys(const uint8_t *payload, size_t length);
void client_step_direct(void);
// Says in the window's title that a server is being started, or takes that back, where the terminal takes it.
void client_set_title(void);
// The next server draws the screen anew.
void client_end_orphan(void);

// ---- client_connection.c

void client_make_token(void);
// What was typed is asked about before it goes to another machine late; with `only_unsent` what was not sent.
// Whether there was something to ask.
bool client_ask_if_late(bool only_unsent);
void client_answered(bool send);
// Connects and asks.
void client_ask(void);
// The connection is at its end without an EXIT.
void client_lose(void);

// ---- client_frames.c

// Deals with what has come, as far as the terminal takes it.
void client_process(void);
// True while there is room for what the server says; a frame that is not complete always has some.
bool client_wants_more(void);
// Whether what came and waits for the terminal has an EXIT in it.
bool client_was_told_end(void);
void client_read_server(void);

// ---- client_input.c

void client_read_input(void);
// What was typed goes on, as far as it need not wait for an answer.
void client_send_typed(void);

#endif
