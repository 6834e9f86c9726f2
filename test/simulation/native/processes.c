// Processes of the simulation: each is a copy of a shared library, whose data is put back to what it was at
// the load when the next process begins in it, and a stack of its own.
#include "system.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIBRARIES = 12, STACK = 256 << 10, FIRST_PID = 5000001 };

struct library {
  char kind[16];
  void *handle;
  int (*main)(int count, char **words);
  uint8_t *data, *image;
  size_t length;
  bool taken;
};

// Memory of a process, which ends with it.
struct block {
  _Alignas(max_align_t) struct block *next;  // and so is what comes behind it
  struct block *before;
  size_t length;
};

struct world world;
static struct library libraries[LIBRARIES];
static size_t library_count;
static struct block blocks[PROCESSES];

uint32_t chance(uint32_t below) {
  world.random ^= world.random << 13;
  world.random ^= world.random >> 7;
  world.random ^= world.random << 17;
  return below ? (uint32_t)((world.random >> 11) % below) : 0;
}

static int find_data(struct dl_phdr_info *info, size_t size, void *wanted) {
  struct library *library = wanted;
  (void)size;
  struct link_map *map;
  dlinfo(library->handle, RTLD_DI_LINKMAP, &map);
  if (info->dlpi_addr != map->l_addr) return 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &info->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || !(part->p_flags & PF_W)) continue;
    library->data = (uint8_t *)(info->dlpi_addr + part->p_vaddr);
    library->length = part->p_memsz;
  }
  return 1;
}

static void load(const char *folder, const char *kind, int copy) {
  char path[4096];
  struct library *library = &libraries[library_count++];
  snprintf(library->kind, sizeof library->kind, "%s", kind);
  snprintf(path, sizeof path, "%s/%s-%d.so", folder, kind, copy);
  library->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library->handle) {
    fprintf(stderr, "simulation: %s\n", dlerror());
    abort();
  }
  library->main = (int (*)(int, char **))dlsym(library->handle, "process_main");
  dl_iterate_phdr(find_data, library);
  library->image = malloc(library->length);
  memcpy(library->image, library->data, library->length);
}

void processes_load(const char *folder) {
  for (int copy = 0; copy < 3; copy++) load(folder, "holder", copy);
  for (int copy = 0; copy < 4; copy++) load(folder, "client", copy);
  for (int i = 0; i < PROCESSES; i++) blocks[i].next = blocks[i].before = &blocks[i];
}

// ---- memory

static struct block *blocks_of(struct process *process) { return &blocks[process - world.processes]; }

void *sim_malloc(size_t length) {
  struct block *block = malloc(sizeof *block + length), *list = blocks_of(here());
  if (!block) return NULL;
  *block = (struct block){list->next, list, length};
  list->next->before = block;
  list->next = block;
  return block + 1;
}

void sim_free(void *memory) {
  if (!memory) return;
  struct block *block = (struct block *)memory - 1;
  block->next->before = block->before;
  block->before->next = block->next;
  free(block);
}

void *sim_calloc(size_t count, size_t length) {
  void *memory = sim_malloc(count * length);
  return memory ? memset(memory, 0, count * length) : NULL;
}

void *sim_realloc(void *memory, size_t length) {
  void *made = sim_malloc(length);
  if (!memory || !made) return made;
  struct block *old = (struct block *)memory - 1;
  memcpy(made, memory, old->length < length ? old->length : length);
  sim_free(memory);
  return made;
}

static void free_all(struct process *process) {
  struct block *list = blocks_of(process);
  while (list->next != list) sim_free(list->next + 1);
}

// ---- lives

void world_reset(uint64_t seed) {
  for (int i = 0; i < PROCESSES; i++) {
    struct process *process = &world.processes[i];
    if (process->library) process->library->taken = false;
    free_all(process);
    for (int word = 0; word < process->count; word++) free(process->words[word]);
    free(process->words);
  }
  for (int i = 0; i < OBJECTS; i++) free(world.objects[i].in.bytes);
  for (int i = 0; i < FILES; i++) free(world.files[i].bytes);
  free(world.program.out.bytes);
  free(world.program.in.bytes);
  free(world.program.heard);
  uint8_t *stacks[PROCESSES];
  for (int i = 0; i < PROCESSES; i++) stacks[i] = world.processes[i].stack;
  memset(&world, 0, sizeof world);
  for (int i = 0; i < PROCESSES; i++) world.processes[i].stack = stacks[i];
  world.random = seed * 0x9e3779b97f4a7c15u + 0x1234567;
  if (world.random == 0) world.random = 1;
  world.now = 1000000;
  world.wall = 1700000000000;
  world.next_pid = FIRST_PID;
  world.next_inode = 10;
  world.capacity = QUEUE_MOST;
  world.disk_left = NEVER;
  world.processes[0] = (struct process){.state = WAITING, .pid = world.next_pid++, .stack = stacks[0]};
}

static void begin(int index) {
  struct process *process = &world.processes[index];
  int status = process->library->main(process->count, process->words);
  process_end(process, status << 8);
  process_yield(DEAD);
}

int process_start(const char *kind, int count, char **words, struct object *standard[3]) {
  for (int i = 1; i < PROCESSES; i++) {
    struct process *process = &world.processes[i];
    if (process->state != FREE && process->state != DEAD) continue;
    struct library *library = NULL;
    for (size_t l = 0; l < library_count && !library; l++)
      if (!libraries[l].taken && !strcmp(libraries[l].kind, kind)) library = &libraries[l];
    if (!library) return -1;
    free_all(process);
    for (int word = 0; word < process->count; word++) free(process->words[word]);
    free(process->words);
    uint8_t *stack = process->stack ? process->stack : malloc(STACK);
    *process = (struct process){
        .state = READY, .pid = world.next_pid++, .library = library, .stack = stack,
        .count = count, .words = words,          .deadline = NEVER,
    };
    library->taken = true;
    memcpy(library->data, library->image, library->length);
    for (int fd = 0; fd < 3; fd++) {
      process->descriptors[fd] = standard[fd];
      standard[fd]->references++;
    }
    getcontext(&process->context);
    process->context.uc_stack.ss_sp = stack;
    process->context.uc_stack.ss_size = STACK;
    process->context.uc_link = &world.main;
    makecontext(&process->context, (void (*)(void))begin, 1, i);
    return i;
  }
  return -1;
}

void process_yield(enum state state) {
  struct process *process = world.running;
  process->state = state;
  world.running = NULL;
  swapcontext(&process->context, &world.main);
}

void process_tick(void) {
  if (!world.running || --world.running->budget > 0) return;
  process_yield(READY);
}

void process_step(int index, int budget) {
  struct process *process = &world.processes[index];
  if (process->state != READY && process->state != WAITING) return;
  process->budget = budget;
  world.running = process;
  swapcontext(&world.main, &process->context);
  world.running = NULL;
}

static bool has_signal(struct process *process) {
  for (int number = 1; number < SIGNALS; number++)
    if (process->pending[number]) return true;
  return false;
}

void deliver_signals(void) {
  struct process *process = world.running;
  for (int number = 1; number < SIGNALS; number++) {
    if (!process->pending[number]) continue;
    process->pending[number] = false;
    process->handlers[number](number);
  }
}

bool process_ready(struct process *process) {
  if (process->state == READY) return true;
  if (process->state != WAITING) return false;
  if (has_signal(process) || (process->deadline != NEVER && world.now >= process->deadline)) return true;
  for (size_t i = 0; i < process->slot_count; i++) {
    int fd = process->slots[i].fd;
    struct object *object = fd >= 0 && fd < DESCRIPTORS ? process->descriptors[fd] : NULL;
    if (object && object_events(object, process->slots[i].events)) return true;
  }
  return false;
}

struct process *process_of(pid_t pid) {
  for (int i = 0; i < PROCESSES; i++)
    if (world.processes[i].pid == pid && world.processes[i].state != FREE && world.processes[i].state != DEAD)
      return &world.processes[i];
  return NULL;
}

void process_end(struct process *process, int status) {
  process->state = DEAD;
  process->status = status;
  descriptors_close_all(process);
  if (process->library) process->library->taken = false;
}

void process_signal(struct process *process, int number) {
  if (process->state == DEAD || process->state == FREE || process->ignored[number]) return;
  if (number != SIGKILL && process->handled[number]) process->pending[number] = true;
  else if (number != SIGCHLD && number != SIGWINCH && number != SIGCONT) process_end(process, number);
}
