// The calls of the system, as the simulation plays them (native/system/os_calls.h, native/system/os.h):
// nothing waits but os_poll, and each call may be the last one of its process, or the one before somebody
// else's turn.
#include "system/os.h"
#include "system.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>

enum { USER = 1000, MINIMAL_PID = 1, DEVICE = 7 };

char **sim_environ = (char *[]){"TERM=xterm", "LANG=C.UTF-8", NULL};

// ---- time and waiting

int os_poll(struct pollfd *slots, nfds_t count, int ms) {
  process_tick();
  struct process *process = here();
  process->slots = slots;
  process->slot_count = count;
  process->deadline = ms < 0 ? NEVER : world.now + ms;
  for (;;) {
    int ready = 0;
    bool signalled = false;
    for (int number = 1; number < SIGNALS; number++) signalled |= process->pending[number];
    deliver_signals();
    for (nfds_t i = 0; i < count; i++) {
      struct object *object = slots[i].fd >= 0 && slots[i].fd < DESCRIPTORS ? process->descriptors[slots[i].fd] : NULL;
      slots[i].revents = slots[i].fd < 0 ? 0 : object ? object_events(object, slots[i].events) : POLLNVAL;
      ready += slots[i].revents != 0;
    }
    if (ready > 0) return ready;
    if (signalled) return errno = EINTR, -1;
    if (process->deadline != NEVER && world.now >= process->deadline) return 0;
    process_yield(WAITING);
  }
}

int os_poll_awake(struct pollfd *slots, nfds_t count, int ms, int64_t awake_us) {
  (void)awake_us;
  return os_poll(slots, count, ms);
}

int os_clock_gettime(clockid_t id, struct timespec *time) {
  int64_t ms = id == CLOCK_REALTIME ? world.now + world.wall : world.now;
  *time = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
  return 0;
}

int64_t os_steady_ms(void) { return world.now; }

// ---- descriptors

ssize_t os_read(int fd, void *into, size_t room) {
  process_tick();
  struct object *object = descriptor(fd);
  return object ? object_read(object, into, room, NULL) : -1;
}

ssize_t os_write(int fd, const void *bytes, size_t length) {
  process_tick();
  struct object *object = descriptor(fd);
  ssize_t count = object ? object_write(object, bytes, length, NULL) : -1;
  // prose goes to the caller's own descriptor, which waits
  while (count < 0 && errno == EAGAIN && fd == 2) {
    process_yield(READY);
    count = object_write(object, bytes, length, NULL);
  }
  return count;
}

ssize_t os_recv(int fd, void *into, size_t room, int flags) {
  (void)flags;
  return os_read(fd, into, room);
}

ssize_t os_send(int fd, const void *bytes, size_t length, int flags) {
  (void)flags;
  return os_write(fd, bytes, length);
}

ssize_t os_recvmsg(int fd, struct msghdr *message, int flags) {
  (void)flags;
  process_tick();
  struct object *object = descriptor(fd), *rider = NULL;
  if (!object) return -1;
  ssize_t count = object_read(object, message->msg_iov->iov_base, message->msg_iov->iov_len, &rider);
  struct cmsghdr *header = message->msg_controllen >= CMSG_LEN(sizeof(int)) ? (struct cmsghdr *)message->msg_control : NULL;
  if (!rider || !header) {
    if (rider) object_release(rider);
    message->msg_controllen = 0;
    return count;
  }
  int passed = descriptor_add(rider, 3);
  object_release(rider);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &passed, sizeof passed);
  message->msg_controllen = CMSG_SPACE(sizeof(int));
  return count;
}

ssize_t os_sendmsg(int fd, const struct msghdr *message, int flags) {
  (void)flags;
  process_tick();
  struct object *object = descriptor(fd), *rider = NULL;
  int passed;
  if (!object) return -1;
  if (message->msg_controllen > 0) {
    memcpy(&passed, CMSG_DATA((struct cmsghdr *)message->msg_control), sizeof passed);
    rider = descriptor(passed);
  }
  return object_write(object, message->msg_iov->iov_base, message->msg_iov->iov_len, rider);
}

int os_close(int fd) {
  process_tick();
  return descriptor_close(fd);
}

int os_fcntl(int fd, int command, int value) {
  struct object *object = descriptor(fd);
  if (!object) return -1;
  if (command == F_GETFL) return object->nonblocking ? O_NONBLOCK : 0;
  if (command == F_SETFL) object->nonblocking = value & O_NONBLOCK;
  if (command == F_DUPFD_CLOEXEC) return descriptor_add(object, value);
  return 0;
}

int os_pipe(int ends[2]) {
  struct object *from = object_new(PIPE_READ);
  ends[0] = descriptor_add(from, 3);
  struct object *to = object_new(PIPE_WRITE);
  ends[1] = descriptor_add(to, 3);
  from->other = to;
  to->other = from;
  return 0;
}

int os_dup2(int from, int to) {
  struct object *object = descriptor(from);
  if (!object) return -1;
  if (from == to) return to;
  object->references++;
  if (here()->descriptors[to]) object_release(here()->descriptors[to]);
  here()->descriptors[to] = object;
  return to;
}

// ---- files

int os_open(const char *path, int flags, mode_t mode) {
  (void)mode;
  process_tick();
  if (!strncmp(path, "/proc/self/fd/", 14)) {
    struct object *object = descriptor(atoi(path + 14));
    return object ? descriptor_add(object, 3) : -1;
  }
  if (!strcmp(path, "/dev/null")) return descriptor_add(object_new(NOTHING), 0);
  if (!strcmp(path, "/dev/urandom")) return descriptor_add(object_new(RANDOM), 3);
  return file_open(base_name(path), flags);
}

static struct file *file_of(int fd) {
  struct object *object = descriptor(fd);
  return object && object->kind == REGULAR ? &world.files[object->file] : NULL;
}

ssize_t os_pread(int fd, void *into, size_t room, off_t at) {
  process_tick();
  struct file *file = file_of(fd);
  return file ? file_read(file, into, room, at) : (errno = EBADF, -1);
}

ssize_t os_pwrite(int fd, const void *bytes, size_t length, off_t at) {
  process_tick();
  struct file *file = file_of(fd);
  return file ? file_write(file, bytes, length, at) : (errno = EBADF, -1);
}

off_t os_lseek(int fd, off_t offset, int whence) {
  struct file *file = file_of(fd);
  if (!file) return errno = EBADF, -1;
  return whence == SEEK_END ? (off_t)file->length + offset : offset;
}

int os_ftruncate(int fd, off_t length) {
  process_tick();
  struct file *file = file_of(fd);
  return file ? file_resize(file, (size_t)length) : (errno = EBADF, -1);
}

int os_flock(int fd, int operation) {
  (void)operation;
  struct file *file = file_of(fd);
  if (!file) return errno = EBADF, -1;
  if (file->locked_by && file->locked_by != descriptor(fd)) return errno = EWOULDBLOCK, -1;
  file->locked_by = descriptor(fd);
  return 0;
}

int os_stat(const char *path, struct stat *found) {
  process_tick();
  struct object *listener = listener_named(base_name(path));
  struct file *file = file_named(base_name(path));
  memset(found, 0, sizeof *found);
  if (!listener && !file) return errno = ENOENT, -1;
  found->st_dev = DEVICE;
  found->st_ino = listener ? (ino_t)listener->owner : file->inode;
  found->st_size = file ? (off_t)file->length : 0;
  return 0;
}

int os_fstat(int fd, struct stat *found) {
  struct file *file = file_of(fd);
  struct object *object = descriptor(fd);
  memset(found, 0, sizeof *found);
  if (!object) return -1;
  found->st_dev = DEVICE;
  found->st_ino = file ? file->inode : 1;
  found->st_size = file ? (off_t)file->length : 0;
  found->st_mode = object->kind == STREAM ? S_IFSOCK : object->kind == REGULAR ? S_IFREG : S_IFCHR;
  return 0;
}

int os_mkdir(const char *path, mode_t mode) {
  (void)path, (void)mode;
  return errno = EEXIST, -1;
}

int os_unlink(const char *path) {
  process_tick();
  struct object *listener = listener_named(base_name(path));
  struct file *file = file_named(base_name(path));
  if (listener) *listener->name = 0;
  else if (file) file->linked = false;
  else return errno = ENOENT, -1;
  return 0;
}

int os_rename(const char *from, const char *to) {
  process_tick();
  struct object *listener = listener_named(base_name(from)), *former = listener_named(base_name(to));
  if (!listener) return errno = ENOENT, -1;
  if (former) *former->name = 0;
  snprintf(listener->name, sizeof listener->name, "%s", base_name(to));
  return 0;
}

int os_chdir(const char *path) { return (void)path, 0; }
char *os_getcwd(char *path, size_t room) { return snprintf(path, room, "/sim"), path; }
mode_t os_umask(mode_t mask) { return (void)mask, 077; }

// ---- sockets

int os_socket(int domain, int type, int protocol) {
  (void)domain, (void)type, (void)protocol;
  struct object *object = object_new(LISTENER);
  object->owner = here()->pid;
  return descriptor_add(object, 3);
}

int os_bind(int fd, const struct sockaddr *address, socklen_t length) {
  (void)length;
  struct object *object = descriptor(fd);
  if (!object) return -1;
  snprintf(object->name, sizeof object->name, "%s", base_name(((const struct sockaddr_un *)address)->sun_path));
  return 0;
}

int os_listen(int fd, int backlog) { return (void)fd, (void)backlog, 0; }

int os_accept(int fd, struct sockaddr *address, socklen_t *length) {
  (void)address, (void)length;
  process_tick();
  struct object *object = descriptor(fd);
  return object ? stream_accept(object) : -1;
}

int os_shutdown(int fd, int how) {
  (void)how;
  struct object *object = descriptor(fd);
  if (!object) return -1;
  stream_shutdown(object);
  return 0;
}

int sim_connect(const char *name) {
  process_tick();
  int fd = stream_connect(name);
  if (fd < 0) world.server_wanted = true;
  return fd;
}

int os_peer(int fd, uid_t *uid, pid_t *pid) {
  struct object *object = descriptor(fd);
  if (!object) return -1;
  *uid = USER;
  *pid = object->other ? object->other->owner : -1;
  return 0;
}

// ---- terminals

int os_isatty(int fd) {
  struct object *object = descriptor(fd);
  return object && (object->kind == KEYBOARD || object->kind == SCREEN || object->kind == SLAVE);
}

int os_ioctl(int fd, unsigned long request, void *with) {
  struct object *object = descriptor(fd);
  struct winsize *size = with;
  if (!object) return -1;
  bool is_pty = object->kind == MASTER || object->kind == SLAVE;
  uint16_t *cols = is_pty ? &world.program.cols : &here()->cols, *rows = is_pty ? &world.program.rows : &here()->rows;
  if (request == TIOCSWINSZ) {
    *cols = size->ws_col;
    *rows = size->ws_row;
  } else *size = (struct winsize){.ws_col = *cols, .ws_row = *rows};
  return 0;
}

int os_tcgetattr(int fd, struct termios *mode) { return (void)fd, memset(mode, 0, sizeof *mode), 0; }
int os_tcsetattr(int fd, int when, const struct termios *mode) { return (void)fd, (void)when, (void)mode, 0; }
int os_tcflow(int fd, int action) {
  (void)fd;
  process_tick();
  world.program.stopped = action == TCOOFF;
  return 0;
}
pid_t os_tcgetpgrp(int fd) { return (void)fd, MINIMAL_PID; }
char *os_ttyname(int fd) { return (void)fd, NULL; }

bool os_is_master_of(int master, int slave) {
  struct object *object = descriptor(master);
  (void)slave;
  return object && object->kind == MASTER;
}
int os_open_terminal(int master) {
  (void)master;
  int fd = descriptor_add(object_new(SLAVE), 3);
  world.program.slaves++;
  return fd;
}
void os_give_up_terminal(int terminal) { (void)terminal; }

// ---- processes

pid_t os_getpid(void) { return here()->pid; }
pid_t os_getpgrp(void) { return MINIMAL_PID; }
pid_t os_getsid(pid_t pid) { return pid; }
uid_t os_geteuid(void) { return USER; }
int os_execv(const char *path, char *const words[]) { return (void)path, (void)words, errno = ENOENT, -1; }
int os_raise(int number) { return (void)number, 0; }
int os_sigaction(int number, const struct sigaction *action, struct sigaction *old) {
  if (old) memset(old, 0, sizeof *old);
  if (action) os_signal(number, action->sa_handler);
  return 0;
}
void os_signal(int number, void (*action)(int)) {
  struct process *process = here();
  process->ignored[number] = action == SIG_IGN;
  process->handled[number] = action != SIG_IGN && action != SIG_DFL;
  process->handlers[number] = action;
}
int os_sigprocmask(int how, const sigset_t *set, sigset_t *old) { return (void)how, (void)set, (void)old, 0; }
int os_getpriority(int which, id_t who) { return (void)which, (void)who, 0; }
int os_getrlimit(int resource, struct rlimit *limit) { return (void)resource, (void)limit, errno = EINVAL, -1; }
_Noreturn void os_exit(int status) {
  process_end(world.running, (status & 0xff) << 8);
  process_yield(DEAD);
  abort();
}
void os_close_from(int first) { (void)first; }
void os_become_reaper(void) {}
void os_prefer_latency(void) {}
bool os_oom_score(int *score) { return *score = 0, true; }
size_t os_processors(uint8_t mask[OS_PROCESSORS_ROOM]) { return mask[0] = 1, 1; }
int os_watch_network(void) { return -1; }
int os_watch_process(pid_t pid) { return pid == world.program.pid ? descriptor_add(object_new(WATCH), 3) : -1; }
bool os_is_running(pid_t pid) { return pid == world.program.pid && world.program.lives; }
int os_punch_hole(int fd, off_t offset, off_t length) { return (void)fd, (void)offset, (void)length, errno = EOPNOTSUPP, -1; }
off_t os_first_data(int fd, off_t from) { return (void)fd, from; }
