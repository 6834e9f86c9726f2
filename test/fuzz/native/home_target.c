// How the client finds its folder and its server's program, against a hostile environment and file system:
// home.c, place.c and start.c themselves, with what they look at played by the input.
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t *script;
static size_t script_left;

static unsigned next(void) {
  if (script_left == 0) return 0;
  script_left--;
  return *script++;
}

// A string of the input, NUL or its end behind it.
static char *words(char *into, size_t room) {
  size_t length = 0, wanted = next();
  if (wanted > 200) wanted *= 40;
  while (length < wanted && length + 1 < room && script_left > 0) {
    char c = (char)next();
    if (c == 0) break;
    into[length++] = c;
  }
  // as long as the input says, even where it is shorter
  if (wanted > 7000)
    for (; length < wanted && length + 1 < room; length++) into[length] = length % 50 ? 'a' : '/';
  into[length] = 0;
  return into;
}

static struct stat last_stat;
static char walked[2 * PATH_MAX];
static unsigned looked_at;

static char *played_getenv(const char *name) {
  static char values[8][PATH_MAX * 3];
  static unsigned turn;
  unsigned way = next();
  if (way < 64) return NULL;
  char *value = values[turn++ % 8];
  // most values are paths
  if (way < 192) {
    value[0] = '/';
    words(value + 1, PATH_MAX * 3 - 1);
  } else words(value, PATH_MAX * 3);
  (void)name;
  return value;
}
static int played_stat_of(struct stat *status) {
  static const int problems[] = {ENOENT, EACCES, ENOTDIR, ELOOP};
  static const mode_t modes[] = {0700, 0755, 0777, 01777, 0770, 0775, 0711, 02700};
  unsigned way = next();
  if (way > 230) return errno = problems[way % 4], -1;
  memset(status, 0, sizeof *status);
  status->st_mode = (way > 200 ? S_IFREG : way > 190 ? S_IFLNK : S_IFDIR) | modes[way % 8];
  status->st_uid = way % 8 == 7 ? geteuid() + 1 : way % 16 == 5 ? 65534 : geteuid();
  status->st_gid = way & 32 ? getegid() : getegid() + 1;
  return 0;
}
static int played_fstat(int fd, struct stat *status) {
  (void)fd;
  int result = played_stat_of(status);
  looked_at++;
  last_stat = *status;
  if (result < 0) last_stat.st_mode = 0;
  return result;
}
static int played_openat(int fd, const char *name, int flags) {
  (void)fd;
  fuzz_require((flags & O_NOFOLLOW) && !strchr(name, '/'), "a part is one name, and no link is followed");
  unsigned way = next();
  if (way > 200) return errno = way > 230 ? EACCES : ENOENT, -1;
  size_t length = strlen(walked);
  snprintf(walked + length, sizeof walked - length, "/%s", name);
  return 1001;
}
static int played_mkdirat(int fd, const char *name, mode_t mode) {
  (void)fd;
  fuzz_require(mode == 0700 && !strchr(name, '/'), "folders are made for their owner");
  fuzz_require(looked_at > 0, "what a folder is made in was looked at");
  unsigned way = next();
  if (way > 200) return errno = way > 230 ? EACCES : ENOSPC, -1;
  return way & 1 ? 0 : (errno = EEXIST, -1);
}
static int played_fchmodat(int fd, const char *name, mode_t mode, int flags) {
  (void)fd;
  (void)name;
  (void)flags;
  fuzz_require(mode == 0700, "nothing is opened to others");
  return 0;
}
static char *played_realpath(const char *path, char *into) {
  unsigned way = next();
  if (way > 240) return errno = ENOENT, (char *)NULL;
  if (way > 128 || strlen(path) >= PATH_MAX || *path != '/') {
    into[0] = '/';
    words(into + 1, PATH_MAX - 1);
    return into;
  }
  return strcpy(into, path);
}
static char *played_getcwd(char *into, size_t room) {
  if (next() > 200) return errno = ENOENT, (char *)NULL;
  into[0] = '/';
  words(into + 1, room - 1);
  return into;
}
static int played_gethostname(char *into, size_t room) {
  if (next() > 240) return -1;
  // some systems leave the end out where the name is too long
  memset(into, 'h', room);
  unsigned length = next();
  for (unsigned i = 0; i < length && i < room; i++) into[i] = (char)next();
  if (length < room) into[length] = 0;
  return 0;
}
static struct passwd *played_getpwuid(uid_t uid) {
  static struct passwd entry;
  static char folder[PATH_MAX];
  (void)uid;
  if (next() > 128) return NULL;
  words(folder, sizeof folder);
  static char name[PATH_MAX];
  entry.pw_name = words(name, sizeof name);
  entry.pw_dir = folder;
  return &entry;
}
static struct group *played_getgrgid(gid_t group) {
  static struct group entry;
  static char *members[3], names[2][PATH_MAX], name[PATH_MAX];
  (void)group;
  if (next() > 200) return NULL;
  entry.gr_name = words(name, sizeof name);
  for (int i = 0; i < 2; i++) members[i] = next() > 128 ? words(names[i], sizeof names[i]) : NULL;
  entry.gr_mem = members;
  return &entry;
}
static FILE *played_fopen(const char *path, const char *mode) {
  static char text[300];
  (void)path;
  (void)mode;
  words(text, sizeof text);
  return *text ? fmemopen(text, strlen(text), "r") : NULL;
}

static uint8_t file[16384];
static size_t file_length;
static int played_open(const char *path, int flags, ...) {
  fuzz_require(strlen(path) < PATH_MAX + 32, "paths are paths");
  (void)flags;
  if (next() > 240) return errno = ENOENT, -1;
  file_length = 0;
  size_t wanted = (size_t)next() * 64;
  while (file_length < wanted && script_left > 0) file[file_length++] = (uint8_t)next();
  while (file_length < wanted) file[file_length] = file_length % 70 ? 'x' : '\n', file_length++;
  return 1000;
}
static ssize_t played_read(int fd, void *into, size_t room) {
  (void)fd;
  size_t count = file_length < room ? file_length : room;
  memcpy(into, file, count);
  return (ssize_t)count;
}
static ssize_t played_pread(int fd, void *into, size_t room, off_t from) {
  (void)fd;
  fuzz_require(from >= 0 && (size_t)from <= file_length, "a file is read where it is");
  size_t count = file_length - (size_t)from < room ? file_length - (size_t)from : room;
  memcpy(into, file + from, count);
  return (ssize_t)count;
}
static off_t played_lseek(int fd, off_t offset, int whence) {
  (void)fd;
  (void)offset;
  (void)whence;
  return (off_t)file_length;
}
static int played_close(int fd) {
  (void)fd;
  return 0;
}
static int played_access(const char *path, int mode) {
  (void)mode;
  return *path && next() < 40 ? 0 : -1;
}

#include "../../../native/system/os.h"
int os_on_network(const char *path) {
  fuzz_require(strlen(path) < PATH_MAX, "paths are paths");
  unsigned way = next();
  if (way > 128) return errno = way & 1 ? ENOENT : EACCES, -1;
  return way > 100;
}
bool os_network_mount(const char *path) {
  (void)path;
  return next() > 128;
}
int64_t os_steady_ms(void) { return 0; }
void os_close_from(int first) { (void)first; }
void os_prefer_latency(void) {}
void allowance_widen(void) {}
bool allowance_room(int count) { return count > 0; }

int os_peer(int fd, uid_t *uid, pid_t *pid) {
  (void)fd;
  *uid = geteuid();
  *pid = 1;
  return 0;
}

#define getenv played_getenv
#define fstat(fd, status) played_fstat(fd, status)
#define openat played_openat
#define mkdirat played_mkdirat
#define fchmodat played_fchmodat
#define getgrgid played_getgrgid
#define realpath played_realpath
#include "../../../native/home/job.c"

#define getcwd played_getcwd
#define gethostname played_gethostname
#define getpwuid played_getpwuid
#define fopen played_fopen
#define open played_open
#define read played_read
#define pread played_pread
#define lseek played_lseek
#define close played_close
#define access played_access
#include "../../../native/home/folder.c"
#include "../../../native/home/machine.h"

// Whose a home is, as the input says.
static void played_machine_self(struct machine *self) {
  memset(self, 0, sizeof *self);
  memset(self->id, 'a', next() % 3 * 16);
}

static enum machine_verdict played_machine_of_home(const char *home, const struct machine *self, char *problem, size_t room) {
  (void)home, (void)self, (void)problem, (void)room;
  return (enum machine_verdict)(next() % 3);
}

#define machine_self played_machine_self
#define machine_of_home played_machine_of_home
#include "../../../native/home/home.c"
#undef fail
#include "../../../native/home/place.c"
#include "../../../native/home/start.c"

static void check_line(const char *line, size_t room) {
  size_t length = strnlen(line, room);
  fuzz_require(length < room, "a sentence has its end");
  fuzz_require(!memchr(line, '\n', length), "a sentence is one line");
}

void fuzz_one(const uint8_t *bytes, size_t length) {
  script = bytes;
  script_left = length;
  looked_at = 0;
  walked[0] = 0;
  // blocks of their own size, so that writing past one is noticed
  char *folder = malloc(HOME_LONGEST + 1), *problem = malloc(200), *root = malloc(PATH_MAX), *node = malloc(PATH_MAX), *line = malloc(512);
  *problem = 0;
  if (home_find(folder, problem, 200)) {
    fuzz_require(folder[0] == '/' && strnlen(folder, HOME_LONGEST + 1) <= HOME_LONGEST, "the folder leaves room for a socket");
    fuzz_require(strlen(walked) >= strlen(folder), "the folder is walked to");
    fuzz_require(S_ISDIR(last_stat.st_mode), "the folder is one");
    fuzz_require(last_stat.st_uid == geteuid(), "the folder is ours");
    fuzz_require((last_stat.st_mode & 077) == 0, "the folder is closed to others");
    fuzz_require(looked_at > 0, "what is above the folder is looked at");
  } else {
    size_t said = strnlen(problem, 200);
    fuzz_require(said > 0 && said < 200, "why not is said");
  }
  problem[0] = 0;
  if (find_root(root, PATH_MAX, problem, 200)) {
    const char *found = find_node(root, node, PATH_MAX);
    fuzz_require(found && *found, "some Node is named");
  } else fuzz_require(strnlen(problem, 200) < 200 && *problem, "why not is said");
  // what stands in /proc/PID/cgroup is a container's to choose
  char *groups = words(malloc(CGROUPS_LONGEST), CGROUPS_LONGEST), *job = malloc(JOB_LONGEST + 1);
  if (job_of_text(groups, job)) fuzz_require(job_is_name(job), "the name of a job can be a folder's");
  free(groups);
  free(job);
  last_words("/home/x", line, 512);
  check_line(line, 512);
  free(folder);
  free(problem);
  free(root);
  free(node);
  free(line);
}
