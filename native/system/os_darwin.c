// The macOS side of os.h. Not measured: written from the manual pages; no pidfd, no subreaper, no /proc.
#ifdef __APPLE__
#include "system/os.h"

#include <errno.h>
#include <fcntl.h>
#include <libproc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysctl.h>
#include <sys/ucred.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

void os_close_from(int first) {
  struct rlimit limit;
  int last = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536 ? (int)limit.rlim_cur : 65536;
  for (int fd = first; fd < last; fd++) close(fd);
}

void os_become_reaper(void) {}

int os_peer(int fd, uid_t *uid, pid_t *pid) {
  gid_t gid;
  if (getpeereid(fd, uid, &gid) < 0) return -1;
  socklen_t size = sizeof *pid;
  if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, pid, &size) < 0) *pid = -1;
  return 0;
}

int os_punch_hole(int fd, off_t offset, off_t length) {
  struct fpunchhole hole = {.fp_offset = offset, .fp_length = length};
  return fcntl(fd, F_PUNCHHOLE, &hole);
}

off_t os_first_data(int fd, off_t from) {
#ifdef SEEK_DATA
  off_t data = lseek(fd, from, SEEK_DATA);
  if (data >= 0) return data;
#endif
  return from;
}

int os_on_network(const char *path) {
  struct statfs status;
  return statfs(path, &status) < 0 ? -1 : !(status.f_flags & MNT_LOCAL);
}

bool os_network_mount(const char *path) {
  (void)path;
  return false;
}

bool os_is_master_of(int master, int slave) {
  (void)slave;
  return isatty(master) == 1;
}

int os_open_terminal(int master) {
  char *name = ptsname(master);
  return name ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
}

// A session leader cannot let go of its terminal here: the program gets its own foreground group in our
// session instead.
void os_give_up_terminal(int terminal) { (void)terminal; }

int os_take_terminal(int terminal) {
  if (setpgid(0, 0) < 0) return -1;
  signal(SIGTTOU, SIG_IGN);
  int result = tcsetpgrp(terminal, getpid());
  signal(SIGTTOU, SIG_DFL);
  return result;
}

void os_raise_oom_score(int score) { (void)score; }

bool os_oom_score(int *score) {
  (void)score;
  return false;
}

bool os_set_oom_score(int score) {
  (void)score;
  return false;
}

size_t os_processors(uint8_t mask[OS_PROCESSORS_ROOM]) {
  (void)mask;
  return 0;
}

bool os_use_processors(const uint8_t *mask, size_t length) {
  (void)mask;
  (void)length;
  return false;
}

int os_watch_network(void) {
  int fd = socket(PF_ROUTE, SOCK_RAW, AF_UNSPEC);
  if (fd >= 0) os_set_own(fd);
  return fd;
}

int os_watch_process(pid_t pid) {
  (void)pid;
  errno = ENOSYS;
  return -1;
}

bool os_is_running(pid_t pid) {
  struct proc_bsdinfo info;
  if (proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, &info, sizeof info) == sizeof info) return info.pbi_status != SZOMB;
  return kill(pid, 0) == 0 || errno == EPERM;
}

size_t os_descendants(const pid_t *roots, size_t root_count, pid_t session_of, pid_t *found, size_t room) {
  size_t taken = 0;
  if (session_of > 0 && taken < room) found[taken++] = session_of;
  for (size_t r = 0; r < root_count + taken; r++) {
    pid_t parent = r < root_count ? roots[r] : found[r - root_count];
    pid_t children[1024];
    int count = proc_listchildpids(parent, children, sizeof children);
    for (int i = 0; i < count && taken < room; i++) {
      bool known = false;
      for (size_t j = 0; j < taken; j++) known |= found[j] == children[i];
      if (!known) found[taken++] = children[i];
    }
  }
  return taken;
}

void os_prefer_latency(void) {}

int os_poll_awake(struct pollfd *slots, nfds_t count, int ms, int64_t awake_us) {
  (void)awake_us;
  return poll(slots, count, ms);
}

bool os_machine_ids(char *id, char *boot, size_t room) {
  uuid_t uuid;
  const struct timespec wait = {1, 0};
  size_t length = room;
  if (gethostuuid(uuid, &wait) == 0)
    for (size_t i = 0; i < sizeof uuid; i++) snprintf(id + 2 * i, 3, "%02x", uuid[i]);
  if (sysctlbyname("kern.bootsessionuuid", boot, &length, NULL, 0) < 0) *boot = 0;
  return true;
}

int64_t os_steady_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
#else
typedef int os_darwin_is_not_built_here;
#endif
