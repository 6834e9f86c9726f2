// The pseudo-terminal of the simulation, and the program on it, which writes a known stream and keeps what
// it is told.
#include "system.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { TERMINAL_ROOM = 4096 };

// Braille, U+2800 to U+28FF: three bytes each, and nothing of ours writes them.
uint8_t program_byte(uint64_t offset) {
  uint64_t character = offset / 3;
  uint32_t mixed = (uint32_t)(character * 2654435761u) ^ (uint32_t)(character >> 7);
  uint8_t low = (uint8_t)(mixed >> 13);
  return offset % 3 == 0 ? 0xe2 : offset % 3 == 1 ? (uint8_t)(0xa0 | low >> 6) : (uint8_t)(0x80 | (low & 0x3f));
}

struct object *terminal_new(uint16_t cols, uint16_t rows, struct object **slave) {
  world.program.out = (struct queue){.bytes = malloc(QUEUE_MOST), .capacity = TERMINAL_ROOM};
  world.program.in = (struct queue){.bytes = malloc(QUEUE_MOST), .capacity = TERMINAL_ROOM};
  world.program.cols = cols;
  world.program.rows = rows;
  struct object *master = object_new(MASTER);
  master->references = 1;
  *slave = object_new(SLAVE);
  world.program.masters = world.program.slaves = 1;
  return master;
}

void program_start(pid_t parent) {
  world.program.pid = world.next_pid++;
  world.program.parent = parent;
  world.program.lives = true;
}

size_t program_write(size_t most) {
  uint8_t bytes[TERMINAL_ROOM];
  struct queue *out = &world.program.out;
  size_t room = out->capacity - out->length;
  if (!world.program.lives || world.program.stopped) return 0;
  if (most > room) most = room;
  for (size_t i = 0; i < most; i++) bytes[i] = program_byte(world.program.written + i);
  world.program.written += most;
  return queue_put(out, bytes, most);
}

void program_lose(uint64_t kept) {
  struct queue *out = &world.program.out;
  for (size_t i = 0; i < out->length; i++) out->bytes[(out->start + i) % QUEUE_MOST] = program_byte(kept + i);
  world.program.written = kept + out->length;
}

size_t program_read(size_t most) {
  struct program *program = &world.program;
  if (!program->lives) return 0;
  if (program->heard_room - program->heard_length < most) {
    program->heard_room = (program->heard_length + most) * 2;
    program->heard = realloc(program->heard, program->heard_room);
  }
  size_t count = queue_take(&program->in, program->heard + program->heard_length, most);
  program->heard_length += count;
  return count;
}

void program_end(int status) {
  struct program *program = &world.program;
  if (!program->lives) return;
  program->lives = false;
  program->status = status;
  struct process *parent = process_of(program->parent);
  // without its parent it is reaped by init
  program->zombie = parent != NULL;
  if (parent) process_signal(parent, SIGCHLD);
}

void terminal_closed(void) {
  if (world.program.masters == 0) program_end(SIGHUP);
}
