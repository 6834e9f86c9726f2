// The simulated system: processes that run as coroutines, their descriptors, a disk, one pseudo-terminal with
// its program, and a clock that stands still until it is told to go on. Everything that is left to chance is
// drawn from one seed. What is short, slow, full or dead is decided by whoever drives it (driver in
// TypeScript, by face.c).
#ifndef SIMULATION_SYSTEM_H
#define SIMULATION_SYSTEM_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <ucontext.h>

enum {
  PROCESSES = 8,     // 0 is the server, which runs in JavaScript
  DESCRIPTORS = 128,
  OBJECTS = 512,
  FILES = 8,
  QUEUE_MOST = 64 << 10,
  RIDERS = 16,
  SIGNALS = 65,
  NEVER = -1,
};

// Bytes on their way, and descriptors that ride on some of them.
struct queue {
  uint8_t *bytes;  // a ring of QUEUE_MOST
  size_t start, length, capacity;
  uint64_t read, written;
  struct { uint64_t at; struct object *what; } riders[RIDERS];
  size_t rider_count;
  bool ended;  // nobody writes to it any more
  bool reset;  // … and what was written to the other side was never read
};

enum kind { NOTHING, STREAM, LISTENER, PIPE_READ, PIPE_WRITE, REGULAR, MASTER, SLAVE, KEYBOARD, SCREEN, WATCH, RANDOM };

// An open file.
struct object {
  enum kind kind;
  int references;
  bool nonblocking;
  struct queue in;         // STREAM, PIPE_READ, KEYBOARD, SCREEN
  struct object *other;    // STREAM, pipes: the other side; NULL: it is closed
  pid_t owner;             // STREAM: who is here
  struct object *waiting[64];  // LISTENER
  size_t waiting_count;
  char name[64];           // LISTENER: of the socket
  int file;                // REGULAR
};

struct file {
  bool used, linked;
  char name[64];
  uint8_t *bytes;
  size_t length, room;
  uint64_t inode;
  struct object *locked_by;
};

enum state { FREE, READY, WAITING, DEAD };

struct library;
struct process {
  enum state state;
  pid_t pid;
  int status;              // as of waitpid(2), once it is DEAD
  struct library *library;
  ucontext_t context;
  uint8_t *stack;
  struct object *descriptors[DESCRIPTORS];
  struct pollfd *slots;
  size_t slot_count;
  int64_t deadline;
  int budget;              // system calls until somebody else has a turn
  void (*handlers[SIGNALS])(int);
  bool handled[SIGNALS], ignored[SIGNALS], pending[SIGNALS];
  int count;
  char **words;
  uint16_t cols, rows;     // of its terminal, a client's
};

// The program under the holder, and its terminal.
struct program {
  bool lives, zombie;
  pid_t pid, parent;
  int status;
  uint64_t written;        // bytes of output
  struct queue out, in;
  int masters, slaves;     // open files, the program's own excepted
  bool stopped;            // by tcflow
  uint16_t cols, rows;
  uint8_t *heard;          // all that was typed
  size_t heard_length, heard_room;
};

struct world {
  int64_t now;
  int64_t wall;            // ms since 1970 less `now`
  uint64_t random;
  struct process processes[PROCESSES];
  struct process *running; // NULL: the server
  struct object objects[OBJECTS];
  struct file files[FILES];
  struct program program;
  ucontext_t main;
  pid_t next_pid;
  uint64_t next_inode;
  bool server_wanted;
  // What the driver sets.
  uint32_t short_share;    // of 1,000 reads and writes so many are cut short
  size_t capacity;         // of sockets
  int64_t disk_left;       // bytes by which files may grow; NEVER: any number
};
extern struct world world;

// The byte of the program's output at an offset: characters of three bytes, so that every cut is met.
uint8_t program_byte(uint64_t offset);

uint32_t chance(uint32_t below);

// ---- processes.c
void processes_load(const char *folder);
void world_reset(uint64_t seed);
int process_start(const char *library, int count, char **words, struct object *standard[3]);
void process_step(int index, int budget);
bool process_ready(struct process *process);
void process_end(struct process *process, int status);
void process_signal(struct process *process, int number);
struct process *process_of(pid_t pid);
// In a process: others have their turn, until it is stepped again.
void process_yield(enum state state);
// At each call of the system.
void process_tick(void);
void deliver_signals(void);

// ---- descriptors.c
struct process *here(void);
struct object *object_new(enum kind kind);
void object_release(struct object *object);
int descriptor_add(struct object *object, int least);
struct object *descriptor(int fd);
int descriptor_close(int fd);
void descriptors_close_all(struct process *process);
short object_events(struct object *object, short wanted);
ssize_t object_read(struct object *object, void *into, size_t room, struct object **rider);
ssize_t object_write(struct object *object, const void *bytes, size_t length, struct object *rider);
// Who listens at a socket of this name; NULL: nobody.
struct object *listener_named(const char *name);
int stream_connect(const char *name);
int stream_accept(struct object *listener);
void stream_shutdown(struct object *stream);
void stream_reset(struct object *stream);
size_t queue_put(struct queue *queue, const void *bytes, size_t length);
size_t queue_take(struct queue *queue, void *into, size_t room);

// ---- disk.c
struct file *file_named(const char *name);
int file_open(const char *name, int flags);
ssize_t file_write(struct file *file, const void *bytes, size_t length, off_t at);
ssize_t file_read(struct file *file, void *into, size_t room, off_t at);
int file_resize(struct file *file, size_t length);
const char *base_name(const char *path);

// ---- terminal.c
struct object *terminal_new(uint16_t cols, uint16_t rows, struct object **slave);
void program_start(pid_t parent);
size_t program_write(size_t most);
// What was read off the terminal behind these bytes of the output is lost with who read it: nobody has seen
// it, so that it is as if the program had written what follows in its place.
void program_lose(uint64_t kept);
size_t program_read(size_t most);
void program_end(int status);
void terminal_closed(void);

#endif
