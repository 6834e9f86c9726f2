// Open files of the simulation: streams with descriptors that ride on them, listeners, pipes, terminals.
#include "system.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SHORT = 64 };

struct process *here(void) { return world.running ? world.running : &world.processes[0]; }

static void queue_open(struct queue *queue, size_t capacity) {
  *queue = (struct queue){.bytes = malloc(QUEUE_MOST), .capacity = capacity};
}

static size_t room_in(const struct queue *queue) {
  return queue->length < queue->capacity ? queue->capacity - queue->length : 0;
}

size_t queue_put(struct queue *queue, const void *bytes, size_t length) {
  size_t room = room_in(queue);
  if (length > room) length = room;
  for (size_t i = 0; i < length; i++)
    queue->bytes[(queue->start + queue->length + i) % QUEUE_MOST] = ((const uint8_t *)bytes)[i];
  queue->length += length;
  queue->written += length;
  return length;
}

size_t queue_take(struct queue *queue, void *into, size_t room) {
  if (room > queue->length) room = queue->length;
  for (size_t i = 0; i < room; i++) ((uint8_t *)into)[i] = queue->bytes[(queue->start + i) % QUEUE_MOST];
  queue->start = (queue->start + room) % QUEUE_MOST;
  queue->length -= room;
  queue->read += room;
  return room;
}

struct object *object_new(enum kind kind) {
  for (int i = 0; i < OBJECTS; i++) {
    struct object *object = &world.objects[i];
    if (object->references > 0) continue;
    free(object->in.bytes);
    *object = (struct object){.kind = kind, .file = -1};
    if (kind == STREAM || kind == PIPE_READ || kind == KEYBOARD || kind == SCREEN) queue_open(&object->in, QUEUE_MOST);
    return object;
  }
  abort();
}

static void stream_pair(struct object *pair[2], pid_t first, pid_t second) {
  // each is taken before the next one is looked for
  pair[0] = object_new(STREAM);
  pair[0]->references = 1;
  pair[1] = object_new(STREAM);
  pair[1]->references = 1;
  for (int i = 0; i < 2; i++) {
    pair[i]->other = pair[!i];
    pair[i]->owner = i ? second : first;
    pair[i]->in.capacity = world.capacity;
    pair[i]->nonblocking = true;
  }
}

static void drop_riders(struct queue *queue) {
  for (size_t i = 0; i < queue->rider_count; i++) object_release(queue->riders[i].what);
  queue->rider_count = 0;
}

// The other side reads what is there, and then the end.
static void hang_up(struct object *object) {
  if (!object->other) return;
  object->other->in.ended = true;
  object->other->in.reset = object->in.length > 0;
  object->other->other = NULL;
  object->other = NULL;
}

void object_release(struct object *object) {
  if (--object->references > 0) return;
  switch (object->kind) {
    case STREAM:
      hang_up(object);
      drop_riders(&object->in);
      break;
    case PIPE_READ:
    case PIPE_WRITE:
      if (object->other && object->kind == PIPE_WRITE) object->other->in.ended = true;
      if (object->other) object->other->other = NULL;
      break;
    case LISTENER:
      for (size_t i = 0; i < object->waiting_count; i++) object_release(object->waiting[i]);
      break;
    case REGULAR:
      if (world.files[object->file].locked_by == object) world.files[object->file].locked_by = NULL;
      break;
    case MASTER:
      world.program.masters--;
      terminal_closed();
      break;
    case SLAVE:
      world.program.slaves--;
      break;
    default:
      break;
  }
  object->kind = NOTHING;
}

int descriptor_add(struct object *object, int least) {
  struct process *process = here();
  for (int fd = least; fd < DESCRIPTORS; fd++)
    if (!process->descriptors[fd]) {
      process->descriptors[fd] = object;
      object->references++;
      return fd;
    }
  return errno = EMFILE, -1;
}

struct object *descriptor(int fd) {
  struct object *object = fd >= 0 && fd < DESCRIPTORS ? here()->descriptors[fd] : NULL;
  if (!object) errno = EBADF;
  return object;
}

int descriptor_close(int fd) {
  struct object *object = descriptor(fd);
  if (!object) return -1;
  here()->descriptors[fd] = NULL;
  object_release(object);
  return 0;
}

void descriptors_close_all(struct process *process) {
  for (int fd = 0; fd < DESCRIPTORS; fd++) {
    struct object *object = process->descriptors[fd];
    process->descriptors[fd] = NULL;
    if (object) object_release(object);
  }
}

static bool terminal_is_hung_up(void) { return !world.program.lives && world.program.slaves == 0; }

static bool may_write(const struct queue *queue) { return queue->length < queue->capacity - queue->capacity / 4; }

short object_events(struct object *object, short wanted) {
  short events = 0;
  switch (object->kind) {
    case STREAM:
      if (object->in.length > 0 || object->in.ended) events |= POLLIN;
      if (!object->other) events |= POLLOUT | (object->in.ended ? POLLHUP : 0);
      else if (may_write(&object->other->in)) events |= POLLOUT;
      break;
    case LISTENER:
      if (object->waiting_count > 0) events |= POLLIN;
      break;
    case PIPE_READ:
    case KEYBOARD:
      if (object->in.length > 0 || object->in.ended) events |= POLLIN;
      break;
    case MASTER:
      if (world.program.out.length > 0) events |= POLLIN;
      if (terminal_is_hung_up()) events |= POLLHUP;
      if (world.program.in.length < world.program.in.capacity) events |= POLLOUT;
      break;
    case SLAVE:
      if (world.program.masters == 0) events |= POLLHUP;
      break;
    case SCREEN:
      if (object->in.ended) events |= POLLERR;
      else if (object->in.length < object->in.capacity) events |= POLLOUT;
      break;
    case WATCH:
      if (!world.program.lives) events |= POLLIN;
      break;
    default:
      events |= POLLIN | POLLOUT;
  }
  return events & (wanted | POLLHUP | POLLERR);
}

static size_t cut(size_t length) {
  return length > 1 && chance(1000) < world.short_share ? 1 + chance((uint32_t)length - 1) : length;
}

static ssize_t read_stream(struct object *object, void *into, size_t room, struct object **rider) {
  struct queue *queue = &object->in;
  if (rider) *rider = NULL;
  if (queue->length == 0) {
    if (queue->reset) return queue->reset = false, errno = ECONNRESET, -1;
    return queue->ended ? 0 : (errno = EAGAIN, -1);
  }
  room = cut(room < queue->length ? room : queue->length);
  // as the kernel does it: one read takes what one descriptor rides on, and nothing of the next
  if (queue->rider_count > 0 && queue->riders[0].at == queue->read) {
    struct object *what = queue->riders[0].what;
    memmove(queue->riders, queue->riders + 1, --queue->rider_count * sizeof *queue->riders);
    if (rider) *rider = what;
    else object_release(what);
  }
  if (queue->rider_count > 0 && queue->riders[0].at - queue->read < room) room = queue->riders[0].at - queue->read;
  return (ssize_t)queue_take(queue, into, room);
}

ssize_t object_read(struct object *object, void *into, size_t room, struct object **rider) {
  if (rider) *rider = NULL;
  switch (object->kind) {
    case STREAM:
      return read_stream(object, into, room, rider);
    case PIPE_READ:
    case KEYBOARD:
      if (object->in.length == 0) return object->in.ended ? 0 : (errno = EAGAIN, -1);
      // a terminal gives what was typed at once
      return (ssize_t)queue_take(&object->in, into, room);
    case MASTER:
      if (world.program.out.length == 0) return errno = terminal_is_hung_up() ? EIO : EAGAIN, -1;
      return (ssize_t)queue_take(&world.program.out, into, room < 4095 ? room : 4095);
    case RANDOM:
      for (size_t i = 0; i < room; i++) ((uint8_t *)into)[i] = (uint8_t)chance(256);
      return (ssize_t)room;
    default:
      return errno = EINVAL, -1;
  }
}

ssize_t object_write(struct object *object, const void *bytes, size_t length, struct object *rider) {
  size_t count;
  switch (object->kind) {
    case STREAM:
      if (!object->other || object->other->in.ended) return errno = EPIPE, -1;
      // the kernel does not tear what is so short
      count = room_in(&object->other->in);
      if (count == 0 || (length <= SHORT && count < length)) return errno = EAGAIN, -1;
      if (rider && object->other->in.rider_count == RIDERS) return errno = EAGAIN, -1;
      if (rider) {
        struct queue *queue = &object->other->in;
        queue->riders[queue->rider_count].at = queue->written;
        queue->riders[queue->rider_count++].what = rider;
        rider->references++;
      }
      return (ssize_t)queue_put(&object->other->in, bytes, rider || length <= SHORT ? length : cut(length));
    case PIPE_WRITE:
      if (!object->other) return errno = EPIPE, -1;
      count = queue_put(&object->other->in, bytes, length);
      return count > 0 ? (ssize_t)count : (errno = EAGAIN, -1);
    case MASTER:
      if (terminal_is_hung_up()) return errno = EIO, -1;
      count = queue_put(&world.program.in, bytes, cut(length));
      return count > 0 ? (ssize_t)count : (errno = EAGAIN, -1);
    case SCREEN:
      if (object->in.ended) return errno = EIO, -1;
      count = queue_put(&object->in, bytes, cut(length));
      return count > 0 ? (ssize_t)count : (errno = EAGAIN, -1);
    case NOTHING:
      return (ssize_t)length;
    default:
      return errno = EINVAL, -1;
  }
}

struct object *listener_named(const char *name) {
  for (int i = 0; i < OBJECTS; i++)
    if (world.objects[i].references > 0 && world.objects[i].kind == LISTENER && !strcmp(world.objects[i].name, name))
      return &world.objects[i];
  return NULL;
}

int stream_connect(const char *name) {
  struct object *listener = listener_named(name);
  if (!listener) return errno = ECONNREFUSED, -1;
  if (listener->waiting_count == sizeof listener->waiting / sizeof *listener->waiting) return errno = EAGAIN, -1;
  struct object *pair[2];
  stream_pair(pair, here()->pid, listener->owner);
  listener->waiting[listener->waiting_count++] = pair[1];
  int fd = descriptor_add(pair[0], 3);
  object_release(pair[0]);
  return fd;
}

int stream_accept(struct object *listener) {
  if (listener->waiting_count == 0) return errno = EAGAIN, -1;
  struct object *first = listener->waiting[0];
  memmove(listener->waiting, listener->waiting + 1, --listener->waiting_count * sizeof *listener->waiting);
  int fd = descriptor_add(first, 3);
  object_release(first);
  return fd;
}

void stream_shutdown(struct object *stream) {
  if (stream->kind == STREAM && stream->other) stream->other->in.ended = true;
}

void stream_reset(struct object *stream) {
  if (stream->kind != STREAM) return;
  struct object *other = stream->other;
  stream->in.ended = stream->in.reset = true;
  stream->in.length = 0;
  drop_riders(&stream->in);
  if (!other) return;
  other->in.ended = other->in.reset = true;
  other->in.length = 0;
  drop_riders(&other->in);
  stream->other = other->other = NULL;
}
