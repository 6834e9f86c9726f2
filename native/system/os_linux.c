// The Linux side of os.h: /proc, pidfd, close_range, devpts.
#ifdef __linux__
#include "system/os.h"
#include "system/text.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

// Numbers that older headers (RHEL 8) lack; all architectures share them.
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif
#ifndef FALLOC_FL_KEEP_SIZE
#define FALLOC_FL_KEEP_SIZE 1
#endif
#ifndef FALLOC_FL_PUNCH_HOLE
#define FALLOC_FL_PUNCH_HOLE 2
#endif

void os_close_from(int first) {
  if (syscall(SYS_close_range, (unsigned)first, ~0U, 0U) == 0) return;
  // kernels before 5.9, and sandboxes that refuse the call
  DIR *folder = opendir("/proc/self/fd");
  if (folder) {
    for (struct dirent *entry; (entry = readdir(folder));) {
      if (!isdigit((unsigned char)entry->d_name[0])) continue;
      int fd = atoi(entry->d_name);
      if (fd >= first && fd != dirfd(folder)) close(fd);
    }
    closedir(folder);
    return;
  }
  struct rlimit limit;
  int last = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536 ? (int)limit.rlim_cur : 65536;
  for (int fd = first; fd < last; fd++) close(fd);
}

void os_become_reaper(void) {
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

int os_peer(int fd, uid_t *uid, pid_t *pid) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return -1;
  *uid = peer.uid;
  *pid = peer.pid;
  return 0;
}

int os_punch_hole(int fd, off_t offset, off_t length) {
  return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
}

off_t os_first_data(int fd, off_t from) {
#ifdef SEEK_DATA
  off_t data = lseek(fd, from, SEEK_DATA);
  if (data >= 0) return data;
  if (errno == ENXIO) {
    off_t end = lseek(fd, 0, SEEK_END);
    if (end >= from) return end;
  }
#endif
  return from;
}

// File systems that live on another machine, as statfs(2) and /proc/self/mountinfo call them: file locks and
// shared memory cannot be trusted there.
static const struct {
  uint32_t type;
  const char *name, *other;
} network_kinds[] = {
    {0x00006969, "nfs", "nfs4"},
    {0x0000517B, "smbfs", NULL},
    {0xFF534D42, "cifs", NULL},
    {0xFE534D42, "smb3", NULL},
    {0x0BD00BD0, "lustre", NULL},
    {0x47504653, "gpfs", NULL},
    {0x5346414F, "afs", NULL},   // OpenAFS
    {0x6B414653, "afs", NULL},   // the kernel's own
    {0x73757245, "coda", NULL},
    {0x00C36400, "ceph", NULL},
    {0x19830326, "beegfs", NULL},
    {0x7461636F, "ocfs2", NULL},
    {0x01161970, "gfs2", NULL},
    {0xAAD7AAEA, "panfs", NULL},
    {0x20030528, "pvfs2", NULL}, // OrangeFS
    {0x01021997, "9p", NULL},
    {0x0000564C, "ncpfs", NULL},
    // sshfs, GlusterFS and the like, also named "fuse.PROGRAM"; a local one costs nothing but the move
    {0x65735546, "fuse", "fuseblk"},
};
enum { NETWORK_KINDS = sizeof network_kinds / sizeof *network_kinds };

int os_on_network(const char *path) {
  struct statfs status;
  if (statfs(path, &status) < 0) return -1;
  for (size_t i = 0; i < NETWORK_KINDS; i++)
    if (network_kinds[i].type == (uint32_t)status.f_type) return 1;
  return 0;
}

static bool is_network_name(const char *name) {
  if (!strncmp(name, "fuse.", 5)) return true;
  for (size_t i = 0; i < NETWORK_KINDS; i++)
    if (!strcmp(name, network_kinds[i].name) || (network_kinds[i].other && !strcmp(name, network_kinds[i].other))) return true;
  return false;
}

static bool is_octal(char digit) { return digit >= '0' && digit <= '7'; }

// A path of mountinfo, whose blanks and backslashes are octal ("\\040"), in its own place.
static void unescape(char *path) {
  char *to = path;
  for (const char *from = path; *from; to++) {
    if (*from == '\\' && is_octal(from[1]) && is_octal(from[2]) && is_octal(from[3])) {
      *to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
      from += 4;
    } else *to = *from++;
  }
  *to = 0;
}

bool os_network_mount(const char *path) {
  // only a path as it is written can be held against the names of mounts
  if (strstr(path, "/..") || strstr(path, "//") || strstr(path, "/./")) return false;
  FILE *file = fopen("/proc/self/mountinfo", "re");
  if (!file) return false;
  char *line = NULL;
  size_t room = 0, longest = 0;
  bool network = false;
  while (getline(&line, &room, file) > 0) {
    // proc(5): 36 35 98:0 /root /mount/point options [fields] - type source options
    char *at = line, *end, type[64];
    for (int field = 0; at && field < 4; field++)
      if ((at = strchr(at, ' '))) at++;
    if (!at || !(end = strchr(at, ' '))) continue;
    const char *behind = strstr(end, " - ");
    *end = 0;
    unescape(at);
    size_t length = strcmp(at, "/") ? strlen(at) : 0;
    // one over another on the same folder comes later and is the one that is seen
    if (length < longest || strncmp(path, at, length) != 0 || (path[length] != '/' && path[length] != 0)) continue;
    if (!behind || sscanf(behind, " - %63s", type) != 1) continue;
    longest = length;
    network = is_network_name(type);
  }
  free(line);
  fclose(file);
  return network;
}

bool os_is_master_of(int master, int slave) {
  unsigned number;
  struct stat status;
  if (ioctl(master, TIOCGPTN, &number) < 0) return false;
  if (fstat(slave, &status) < 0 || !S_ISCHR(status.st_mode)) return true;
  // /dev/pts/N has major 136 + N / 256 and minor N % 256
  return (major(status.st_rdev) - 136) * 256 + minor(status.st_rdev) == number;
}

int os_open_terminal(int master) {
  int fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0) return fd;
  char name[64];
  if (ptsname_r(master, name, sizeof name) != 0) return -1;
  return open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

void os_give_up_terminal(int terminal) {
  // for the leader of a session on a pty this sends SIGHUP and SIGCONT to our own group, which ignores the
  // one and does not mind the other
  ioctl(terminal, TIOCNOTTY);
}

int os_take_terminal(int terminal) {
  if (setsid() < 0) return -1;
  return ioctl(terminal, TIOCSCTTY, 0);
}

void os_raise_oom_score(int score) {
  int now;
  if (os_oom_score(&now) && score > now) os_set_oom_score(score);  // a wish, not a condition
}

bool os_oom_score(int *score) {
  char text[16];
  if (read_text("/proc/self/oom_score_adj", text, sizeof text) <= 0) return false;
  *score = atoi(text);
  return true;
}

bool os_set_oom_score(int score) {
  char text[16];
  int size = snprintf(text, sizeof text, "%d", score);
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  bool set = fd >= 0 && write(fd, text, (size_t)size) == size;
  if (fd >= 0) close(fd);
  return set;
}

// By system call: a cpu_set_t of glibc's has room for 1,024 processors only. The kernel's masks are words;
// the order of their bytes is ours where words are little endian, which every machine is that Node runs on
// but one (s390x).
size_t os_processors(uint8_t mask[OS_PROCESSORS_ROOM]) {
  memset(mask, 0, OS_PROCESSORS_ROOM);
  long length = syscall(SYS_sched_getaffinity, 0, (size_t)OS_PROCESSORS_ROOM, mask);
  while (length > 0 && mask[length - 1] == 0) length--;
  return length > 0 ? (size_t)length : 0;
}

bool os_use_processors(const uint8_t *mask, size_t length) {
  uint8_t whole[OS_PROCESSORS_ROOM] = {0};
  memcpy(whole, mask, length < sizeof whole ? length : sizeof whole);
  return syscall(SYS_sched_setaffinity, 0, sizeof whole, whole) == 0;
}

int os_watch_network(void) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

int os_watch_process(pid_t pid) {
  return (int)syscall(SYS_pidfd_open, pid, 0U);
}

// Reads state, parent and session of a process from /proc/PID/stat. The name in parentheses may hold
// anything, hence the last ')'.
static bool read_stat(const char *pid, char *state, pid_t *parent, pid_t *session) {
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/%s/stat", pid);
  if (read_text(path, text, sizeof text) <= 0) return false;
  char *after = strrchr(text, ')');
  int group;
  return after && sscanf(after + 1, " %c %d %d %d", state, parent, &group, session) == 4;
}

bool os_is_running(pid_t pid) {
  char name[16], state;
  pid_t parent, session;
  snprintf(name, sizeof name, "%d", pid);
  if (read_stat(name, &state, &parent, &session)) return state != 'Z' && state != 'X';
  return kill(pid, 0) == 0 || errno == EPERM;
}

struct process {
  pid_t pid, parent, session;
  bool below;
};

// Every process that can be seen; *list is to be freed.
static size_t all_processes(struct process **list) {
  size_t count = 0, room = 0;
  *list = NULL;
  DIR *folder = opendir("/proc");
  if (!folder) return 0;
  for (struct dirent *entry; (entry = readdir(folder));) {
    if (!isdigit((unsigned char)entry->d_name[0])) continue;
    struct process p = {.pid = atoi(entry->d_name)};
    char state;
    if (!read_stat(entry->d_name, &state, &p.parent, &p.session) || state == 'Z') continue;
    if (count == room) {
      room = room ? room * 2 : 256;
      struct process *larger = realloc(*list, room * sizeof *larger);
      if (!larger) break;
      *list = larger;
    }
    (*list)[count++] = p;
  }
  closedir(folder);
  return count;
}

size_t os_descendants(const pid_t *roots, size_t root_count, pid_t session_of, pid_t *found, size_t room) {
  struct process *list;
  size_t count = all_processes(&list), taken = 0;
  for (bool grew = true; grew;) {
    grew = false;
    for (size_t i = 0; i < count; i++) {
      if (list[i].below) continue;
      bool below = session_of > 0 && list[i].session == session_of;
      for (size_t r = 0; r < root_count && !below; r++) below = list[i].parent == roots[r];
      for (size_t j = 0; j < taken && !below; j++) below = list[i].parent == found[j];
      if (!below || taken == room) continue;
      list[i].below = grew = true;
      found[taken++] = list[i].pid;
    }
  }
  free(list);
  return taken;
}

// The kernel's struct sched_attr in its first size; glibc has no face for it before 2.41.
struct scheduling {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};

void os_prefer_latency(void) {
  enum { RESET_ON_FORK = 1, PIECE_NS = 100000 };  // the shortest that the kernel takes
  struct scheduling now = {0};
  if (syscall(SYS_sched_getattr, 0, &now, sizeof now, 0) < 0) return;
  // another policy has its own rules, and the reset would also undo a negative niceness
  if (now.policy != 0 || now.nice < 0) return;
  now.size = sizeof now;
  now.flags |= RESET_ON_FORK;
  now.runtime = PIECE_NS;
  if (syscall(SYS_sched_setattr, 0, &now, 0) < 0) errno = 0;
}

static int64_t monotonic_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int os_poll_awake(struct pollfd *slots, nfds_t count, int ms, int64_t awake_us) {
  for (int64_t end = monotonic_us() + awake_us; ms != 0 && monotonic_us() < end; sched_yield()) {
    int ready = poll(slots, count, 0);
    if (ready != 0) return ready;
  }
  return poll(slots, count, ms);
}

bool os_machine_ids(char *id, char *boot, size_t room) {
  (void)id;
  (void)boot;
  (void)room;
  return false;
}

int64_t os_steady_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_BOOTTIME, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
#else
typedef int os_linux_is_not_built_here;
#endif
