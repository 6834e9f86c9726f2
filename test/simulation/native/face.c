// The simulation's face to JavaScript. What the server asks of the system has the names that sys.node gives
// it (src/platform/native.ts); the rest is for whoever drives the simulation.
#include "addon/calls.h"
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENTS = 6, WORDS = 16 };

struct arguments {
  napi_value at[ARGUMENTS];
  size_t count;
};

static struct arguments take(napi_env env, napi_callback_info info) {
  struct arguments a = {.count = ARGUMENTS};
  napi_get_cb_info(env, info, &a.count, a.at, NULL, NULL);
  return a;
}

static int64_t integer(napi_env env, napi_value value) {
  int64_t found = 0;
  napi_get_value_int64(env, value, &found);
  return found;
}

static napi_value number(napi_env env, double value) {
  napi_value made = NULL;
  napi_create_double(env, value, &made);
  return made;
}

static uint8_t *bytes_of(napi_env env, napi_value value, size_t *length) {
  void *data = NULL;
  *length = 0;
  napi_get_typedarray_info(env, value, NULL, length, &data, NULL, NULL);
  return data;
}

static char *text_of(napi_env env, napi_value value) {
  char text[4096];
  size_t length = 0;
  napi_get_value_string_utf8(env, value, text, sizeof text, &length);
  return strdup(text);
}

static napi_value fail(napi_env env) {
  static const struct { int error; const char *name; } names[] = {
      {EAGAIN, "EAGAIN"}, {ECONNREFUSED, "ECONNREFUSED"}, {ENOENT, "ENOENT"}, {EPIPE, "EPIPE"}, {EBADF, "EBADF"},
      {ECONNRESET, "ECONNRESET"}, {EIO, "EIO"}, {EMFILE, "EMFILE"},
  };
  const char *name = "EINVAL";
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].error == errno) name = names[i].name;
  napi_throw_error(env, name, name);
  return NULL;
}

static napi_value set(napi_env env, napi_value target, const char *name, napi_value value) {
  napi_set_named_property(env, target, name, value);
  return target;
}

#define CALL(name) static napi_value name(napi_env env, napi_callback_info info)
#define BEGIN struct arguments a = take(env, info); (void)a

// ---- the server's calls

// Calls that the server makes before it is killed; NEVER: it is not.
static int64_t fuse = NEVER;

static bool is_dead(void) {
  if (fuse > 0) fuse--;
  return fuse == 0;
}

CALL(set_cloexec) { BEGIN; return NULL; }

CALL(dup_fd) {
  BEGIN;
  struct object *object = descriptor((int)integer(env, a.at[0]));
  int fd = object ? descriptor_add(object, 3) : -1;
  return fd < 0 ? fail(env) : number(env, fd);
}

CALL(close_fd) {
  BEGIN;
  descriptor_close((int)integer(env, a.at[0]));
  return NULL;
}

CALL(write_some) {
  BEGIN;
  size_t length, offset = (size_t)integer(env, a.at[2]);
  uint8_t *bytes = bytes_of(env, a.at[1], &length);
  struct object *object = descriptor((int)integer(env, a.at[0]));
  if (is_dead()) return number(env, 0);
  if (!object) return fail(env);
  ssize_t count = object_write(object, bytes + offset, length - offset, NULL);
  if (count < 0 && errno != EAGAIN) return fail(env);
  return number(env, count < 0 ? 0 : (double)count);
}

CALL(connect_unix) {
  BEGIN;
  char *path = text_of(env, a.at[0]);
  int fd = is_dead() ? (errno = ECONNREFUSED, -1) : stream_connect(base_name(path));
  free(path);
  return fd < 0 ? fail(env) : number(env, fd);
}

CALL(send_fds) {
  BEGIN;
  size_t length;
  uint32_t count = 0;
  uint8_t *bytes = bytes_of(env, a.at[1], &length);
  struct object *object = descriptor((int)integer(env, a.at[0])), *rider = NULL;
  napi_get_array_length(env, a.at[2], &count);
  if (count > 0) {
    napi_value first;
    napi_get_element(env, a.at[2], 0, &first);
    rider = descriptor((int)integer(env, first));
  }
  if (is_dead()) return errno = EAGAIN, fail(env);
  ssize_t sent = object ? object_write(object, bytes, length, rider) : -1;
  return sent < 0 ? fail(env) : number(env, (double)sent);
}

CALL(shutdown_writing) {
  BEGIN;
  struct object *object = descriptor((int)integer(env, a.at[0]));
  if (object) stream_shutdown(object);
  return NULL;
}

CALL(recv_fds) {
  BEGIN;
  static uint8_t bytes[QUEUE_MOST];
  size_t room = (size_t)integer(env, a.at[1]);
  struct object *object = descriptor((int)integer(env, a.at[0])), *rider = NULL;
  napi_value result, data, fds;
  if (!object) return fail(env);
  ssize_t count = object_read(object, bytes, room < sizeof bytes ? room : sizeof bytes, &rider);
  if (count < 0 && errno == EAGAIN) {
    napi_get_null(env, &result);
    return result;
  }
  if (count < 0) return fail(env);
  napi_create_object(env, &result);
  napi_create_buffer_copy(env, (size_t)count, bytes, NULL, &data);
  napi_create_array(env, &fds);
  if (rider) {
    napi_set_element(env, fds, 0, number(env, descriptor_add(rider, 3)));
    object_release(rider);
  }
  set(env, result, "data", data);
  return set(env, result, "fds", fds);
}

CALL(peer_credentials) {
  BEGIN;
  struct object *object = descriptor((int)integer(env, a.at[0]));
  napi_value result;
  napi_create_object(env, &result);
  set(env, result, "uid", number(env, 0));
  return set(env, result, "pid", number(env, object && object->other ? object->other->owner : -1));
}

// Raw, with ISIG, and Ctrl+C that interrupts: as addon.c packs it.
CALL(line_mode) {
  BEGIN;
  if (!descriptor((int)integer(env, a.at[0]))) return fail(env);
  return number(env, 0 | 4 | 3 << 8);
}

CALL(set_window_size) { BEGIN; return NULL; }

CALL(room_for_all) {
  napi_value result = NULL;
  BEGIN;
  napi_get_boolean(env, true, &result);
  return result;
}

// ---- the driver's

CALL(load) {
  BEGIN;
  char *folder = text_of(env, a.at[0]);
  processes_load(folder);
  free(folder);
  return NULL;
}

CALL(reset) {
  BEGIN;
  fuse = NEVER;
  world_reset((uint64_t)integer(env, a.at[0]));
  return NULL;
}

// tune(short reads and writes of 1,000, room of sockets, bytes left on the disk, the wall clock's lead)
CALL(tune) {
  BEGIN;
  world.short_share = (uint32_t)integer(env, a.at[0]);
  world.capacity = (size_t)integer(env, a.at[1]);
  world.disk_left = integer(env, a.at[2]);
  world.wall = integer(env, a.at[3]);
  return NULL;
}

CALL(now) { BEGIN; return number(env, (double)world.now); }

CALL(advance) {
  BEGIN;
  world.now += integer(env, a.at[0]);
  return NULL;
}

static char **words_of(napi_env env, napi_value list, int *count) {
  uint32_t length = 0;
  napi_get_array_length(env, list, &length);
  char **words = calloc(length + 1, sizeof *words);
  for (uint32_t i = 0; i < length; i++) {
    napi_value word;
    napi_get_element(env, list, i, &word);
    words[i] = text_of(env, word);
  }
  *count = (int)length;
  return words;
}

static napi_value started(napi_env env, int index) {
  if (index < 0) return errno = EAGAIN, fail(env);
  napi_value result;
  napi_create_object(env, &result);
  set(env, result, "index", number(env, index));
  return set(env, result, "pid", number(env, world.processes[index].pid));
}

// spawnPty(words, cols, rows): the holder on a new terminal, whose master the server has.
CALL(spawn_pty) {
  BEGIN;
  int count;
  struct object *slave, *standard[3];
  struct object *master = terminal_new((uint16_t)integer(env, a.at[1]), (uint16_t)integer(env, a.at[2]), &slave);
  for (int i = 0; i < 3; i++) standard[i] = slave;
  char **words = words_of(env, a.at[0], &count);
  napi_value result = started(env, process_start("holder", count, words, standard));
  int fd = descriptor_add(master, 3);
  object_release(master);
  return result ? set(env, result, "fd", number(env, fd)) : NULL;
}

// spawnHolder(words): a successor.
CALL(spawn_holder) {
  BEGIN;
  int count;
  struct object *nothing = object_new(NOTHING), *standard[3] = {nothing, nothing, nothing};
  char **words = words_of(env, a.at[0], &count);
  return started(env, process_start("holder", count, words, standard));
}

// spawnClient(words, cols, rows)
CALL(spawn_client) {
  BEGIN;
  int count;
  struct object *keyboard = object_new(KEYBOARD), *standard[3];
  keyboard->references = 1;
  struct object *screen = object_new(SCREEN);
  standard[0] = keyboard;
  standard[1] = standard[2] = screen;
  char **words = words_of(env, a.at[0], &count);
  int index = process_start("client", count, words, standard);
  // the person holds the other side
  screen->references++;
  if (index < 0) return errno = EAGAIN, fail(env);
  struct process *process = &world.processes[index];
  process->cols = (uint16_t)integer(env, a.at[1]);
  process->rows = (uint16_t)integer(env, a.at[2]);
  napi_value result = started(env, index);
  set(env, result, "keyboard", number(env, (double)(keyboard - world.objects)));
  return set(env, result, "screen", number(env, (double)(screen - world.objects)));
}

// type(keyboard, bytes): how many it took.
CALL(type_keys) {
  BEGIN;
  size_t length;
  uint8_t *bytes = bytes_of(env, a.at[1], &length);
  return number(env, (double)queue_put(&world.objects[integer(env, a.at[0])].in, bytes, length));
}

// drain(screen, most, capacity): what the terminal takes now; undefined where nothing is there.
CALL(drain) {
  BEGIN;
  static uint8_t bytes[QUEUE_MOST];
  struct object *screen = &world.objects[integer(env, a.at[0])];
  size_t most = (size_t)integer(env, a.at[1]);
  screen->in.capacity = (size_t)integer(env, a.at[2]);
  size_t count = queue_take(&screen->in, bytes, most < sizeof bytes ? most : sizeof bytes);
  napi_value result = NULL;
  if (count > 0) napi_create_buffer_copy(env, count, bytes, NULL, &result);
  return result;
}

CALL(resize) {
  BEGIN;
  struct process *process = &world.processes[integer(env, a.at[0])];
  process->cols = (uint16_t)integer(env, a.at[1]);
  process->rows = (uint16_t)integer(env, a.at[2]);
  process_signal(process, SIGWINCH);
  return NULL;
}

// A bit for each process that has something to do.
CALL(runnable) {
  BEGIN;
  uint32_t mask = 0;
  for (int i = 1; i < PROCESSES; i++) mask |= (uint32_t)process_ready(&world.processes[i]) << i;
  return number(env, mask);
}

CALL(step) {
  BEGIN;
  process_step((int)integer(env, a.at[0]), (int)integer(env, a.at[1]));
  return NULL;
}

// When the next process has waited long enough; -1: none waits for a time.
CALL(next_deadline) {
  BEGIN;
  int64_t next = NEVER;
  for (int i = 1; i < PROCESSES; i++) {
    struct process *process = &world.processes[i];
    if (process->state != WAITING || process->deadline == NEVER) continue;
    if (next == NEVER || process->deadline < next) next = process->deadline;
  }
  return number(env, (double)next);
}

// kill(pid, number): -1 where there is no such process.
CALL(kill_process) {
  BEGIN;
  pid_t pid = (pid_t)integer(env, a.at[0]);
  int with = (int)integer(env, a.at[1]);
  if (pid == world.program.pid && world.program.lives) {
    if (with > 0) program_end(with);
    return number(env, 0);
  }
  struct process *process = process_of(pid);
  if (!process) return number(env, -1);
  if (with > 0) process_signal(process, with);
  return number(env, 0);
}

// The server is gone, with all that it had open.
CALL(end_server) {
  BEGIN;
  fuse = NEVER;
  descriptors_close_all(&world.processes[0]);
  world.processes[0].pid = world.next_pid++;
  return NULL;
}

// The server is dead after so many calls.
CALL(light_fuse) {
  BEGIN;
  fuse = integer(env, a.at[0]);
  return NULL;
}

CALL(fuse_left) { BEGIN; return number(env, (double)fuse); }

// status(index): as of waitpid(2); -1 while it lives.
CALL(status_of) {
  BEGIN;
  struct process *process = &world.processes[integer(env, a.at[0])];
  return number(env, process->state == DEAD ? process->status : -1);
}

// events(fd): of the server's descriptors, as poll(2) tells them.
CALL(events_of) {
  BEGIN;
  struct object *object = descriptor((int)integer(env, a.at[0]));
  return number(env, object ? object_events(object, POLLIN | POLLOUT) : 0);
}

CALL(listen_at) {
  BEGIN;
  char *name = text_of(env, a.at[0]);
  struct object *object = object_new(LISTENER);
  object->owner = here()->pid;
  snprintf(object->name, sizeof object->name, "%s", name);
  free(name);
  return number(env, descriptor_add(object, 3));
}

CALL(accept_one) {
  BEGIN;
  struct object *listener = descriptor((int)integer(env, a.at[0]));
  return number(env, listener ? stream_accept(listener) : -1);
}

// reset a connection of the server's.
CALL(reset_stream) {
  BEGIN;
  struct object *object = descriptor((int)integer(env, a.at[0]));
  if (object) stream_reset(object);
  return NULL;
}

CALL(program_writes) { BEGIN; return number(env, (double)program_write((size_t)integer(env, a.at[0]))); }
CALL(program_loses) {
  BEGIN;
  program_lose((uint64_t)integer(env, a.at[0]));
  return NULL;
}
CALL(program_reads) { BEGIN; return number(env, (double)program_read((size_t)integer(env, a.at[0]))); }
CALL(program_ends) {
  BEGIN;
  program_end((int)integer(env, a.at[0]));
  return NULL;
}

CALL(program_state) {
  BEGIN;
  struct program *program = &world.program;
  napi_value result;
  napi_create_object(env, &result);
  set(env, result, "lives", number(env, program->lives));
  set(env, result, "status", number(env, program->status));
  return set(env, result, "written", number(env, (double)program->written));
}

CALL(program_heard) {
  BEGIN;
  napi_value result = NULL;
  napi_create_buffer_copy(env, world.program.heard_length, world.program.heard, NULL, &result);
  return result;
}

CALL(program_bytes) {
  BEGIN;
  uint64_t from = (uint64_t)integer(env, a.at[0]);
  size_t length = (size_t)integer(env, a.at[1]);
  void *data;
  napi_value result = NULL;
  napi_create_buffer(env, length, &data, &result);
  for (size_t i = 0; i < length; i++) ((uint8_t *)data)[i] = program_byte(from + i);
  return result;
}

static struct file *file_of(napi_env env, napi_value value) {
  char *name = text_of(env, value);
  struct file *file = file_named(name);
  free(name);
  return file;
}

// file(name): its bytes; null where there is none.
CALL(file_bytes) {
  BEGIN;
  struct file *file = file_of(env, a.at[0]);
  napi_value result = NULL;
  if (!file) napi_get_null(env, &result);
  else napi_create_buffer_copy(env, file->length, file->bytes, NULL, &result);
  return result;
}

CALL(file_length) {
  BEGIN;
  struct file *file = file_of(env, a.at[0]);
  return number(env, file ? (double)file->length : -1);
}

CALL(server_wanted) {
  BEGIN;
  bool wanted = world.server_wanted;
  world.server_wanted = false;
  return number(env, wanted);
}

// index(pid): of a living process; -1: there is none.
CALL(index_of) {
  BEGIN;
  struct process *process = process_of((pid_t)integer(env, a.at[0]));
  return number(env, process ? (double)(process - world.processes) : -1);
}

static napi_value begin(napi_env env, napi_value exports) {
  static const struct { const char *name; napi_callback call; } calls[] = {
      {"setCloexec", set_cloexec}, {"dup", dup_fd}, {"close", close_fd}, {"writeSome", write_some},
      {"connectUnix", connect_unix}, {"sendFds", send_fds}, {"shutdownWriting", shutdown_writing},
      {"recvFds", recv_fds}, {"peerCredentials", peer_credentials}, {"lineMode", line_mode},
      {"setWindowSize", set_window_size}, {"roomFor", room_for_all}, {"createFilter", create_filter},
      {"feedFilter", feed_filter}, {"takeAsked", take_asked}, {"modeRules", list_mode_rules},
      {"simLoad", load}, {"simReset", reset}, {"simTune", tune}, {"simNow", now}, {"simAdvance", advance},
      {"simSpawnPty", spawn_pty}, {"simSpawnHolder", spawn_holder}, {"simSpawnClient", spawn_client},
      {"simType", type_keys}, {"simDrain", drain}, {"simResize", resize}, {"simRunnable", runnable},
      {"simStep", step}, {"simNextDeadline", next_deadline}, {"simKill", kill_process},
      {"simEndServer", end_server}, {"simStatus", status_of}, {"simEvents", events_of},
      {"simListen", listen_at}, {"simAccept", accept_one}, {"simResetStream", reset_stream},
      {"simProgramWrites", program_writes}, {"simProgramReads", program_reads},
      {"simProgramLoses", program_loses}, {"simProgramEnds", program_ends},
      {"simProgram", program_state}, {"simProgramHeard", program_heard},
      {"simProgramBytes", program_bytes}, {"simFile", file_bytes}, {"simFileLength", file_length},
      {"simLightFuse", light_fuse}, {"simFuseLeft", fuse_left}, {"simServerWanted", server_wanted},
      {"simIndex", index_of},
  };
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    napi_value function;
    if (napi_create_function(env, calls[i].name, NAPI_AUTO_LENGTH, calls[i].call, NULL, &function) != napi_ok) return NULL;
    napi_set_named_property(env, exports, calls[i].name, function);
  }
  return exports;
}

NAPI_MODULE(simulation, begin)
