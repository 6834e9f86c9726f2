// See machine.h. The same kernel in the same namespace of processes is the same machine, whatever an image (a
// container without a machine-id, one that shares its host's processes) says. Another boot of the same
// machine-id is a restart, but only under the same name: cloned images have one id on many machines. Where
// only the namespace differs, sockets tell: they are seen all over a kernel, process numbers are not.
#include "home/machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "system/os.h"
#include "system/text.h"

enum {
  // The whole file: four lines of a word and at most 64 characters.
  FILE_LONGEST = 1024,
};

static const char first_line[] = "falcon-sessions machine 1\n";

// The first line of a file, without what has no place in an id; empty where there is none.
static void read_id(const char *path, char id[MACHINE_ID_LONGEST + 1]) {
  char text[256];
  ssize_t length = read_text(path, text, sizeof text);
  size_t at = 0;
  for (ssize_t i = 0; i < length && text[i] != '\n' && at < MACHINE_ID_LONGEST; i++)
    if (strchr("0123456789abcdefABCDEF-", text[i])) id[at++] = text[i];
  // "uninitialized", or a few zeros of an image: such an id tells nothing
  id[strspn(id, "0-") == at || at < 16 ? 0 : at] = 0;
}

// A token in memory that every process of this user on this machine sees, and that no other machine has. Made
// where it is missing.
static void boot_token(char token[MACHINE_ID_LONGEST + 1]) {
  char path[PATH_MAX];
  uint8_t bytes[16];
  static const char *const folders[] = {"/dev/shm", "/run/user"};
  *token = 0;
  for (size_t i = 0; i < sizeof folders / sizeof *folders && !*token; i++) {
    struct stat status;
    snprintf(path, sizeof path, i == 0 ? "%s/falcon-sessions-%u.boot" : "%s/%u/falcon-sessions.boot", folders[i],
             (unsigned)geteuid());
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0) {
      char text[2 * sizeof bytes + 1];
      int random = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
      bool made = random >= 0 && read(random, bytes, sizeof bytes) == (ssize_t)sizeof bytes;
      if (random >= 0) close(random);
      for (size_t b = 0; b < sizeof bytes; b++) snprintf(text + 2 * b, 3, "%02x", bytes[b]);
      made = made && write(fd, text, 2 * sizeof bytes) == 2 * (ssize_t)sizeof bytes;
      close(fd);
      if (!made) unlink(path);
    }
    // not what another user has put there
    if (lstat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid()) read_id(path, token);
  }
}

void machine_self(struct machine *self) {
  memset(self, 0, sizeof *self);
  if (!os_machine_ids(self->id, self->boot, sizeof self->id)) {
    read_id("/etc/machine-id", self->id);
    if (!*self->id) read_id("/var/lib/dbus/machine-id", self->id);
    read_id("/proc/sys/kernel/random/boot_id", self->boot);
  }
  if (!*self->boot) boot_token(self->boot);
  ssize_t length = readlink("/proc/self/ns/pid", self->pids, sizeof self->pids - 1);
  self->pids[length > 0 ? length : 0] = 0;
  if (gethostname(self->name, sizeof self->name) < 0 || !*self->name) snprintf(self->name, sizeof self->name, "localhost");
  self->name[sizeof self->name - 1] = 0;
  for (char *at = self->name; *at; at++)
    if (*at <= ' ' || *at > '~') *at = '?';
}

static bool take(const char *line, const char *word, char *into, size_t room) {
  size_t length = strlen(word);
  if (strncmp(line, word, length) || line[length] != ' ') return false;
  snprintf(into, room, "%s", line + length + 1);
  for (char *at = into; *at; at++)
    if (*at < ' ' || *at > '~') *at = '?';
  return true;
}

// False where there is no such file, or none that we wrote.
static bool read_owner(const char *home, struct machine *owner) {
  char path[PATH_MAX], text[FILE_LONGEST];
  struct stat status;
  if ((size_t)snprintf(path, sizeof path, "%s/machine", home) >= sizeof path) return false;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return false;
  bool plain = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid();
  ssize_t length = plain ? read(fd, text, sizeof text - 1) : -1;
  close(fd);
  if (length <= 0) return false;
  text[length] = 0;
  if (strncmp(text, first_line, sizeof first_line - 1)) return false;
  memset(owner, 0, sizeof *owner);
  bool named = false;
  for (char *next = text + sizeof first_line - 1, *line; (line = strsep(&next, "\n"));) {
    if (take(line, "id", owner->id, sizeof owner->id) || take(line, "boot", owner->boot, sizeof owner->boot)) continue;
    if (take(line, "pids", owner->pids, sizeof owner->pids)) continue;
    named = take(line, "name", owner->name, sizeof owner->name) || named;
  }
  return named;
}

static bool listens(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if ((size_t)snprintf(address.sun_path, sizeof address.sun_path, "%s", path) >= sizeof address.sun_path) return false;
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) return true;
  os_set_own(fd);
  bool there = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN;
  close(fd);
  return there;
}

// Whether a server or a holder of this home is alive anywhere in this kernel.
static bool lives(const char *home) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/server.sock", home);
  if (listens(path)) return true;
  snprintf(path, sizeof path, "%s/s", home);
  DIR *sessions = opendir(path);
  if (!sessions) return errno != ENOENT;
  bool any = false;
  for (struct dirent *entry; !any && (entry = readdir(sessions));) {
    if (*entry->d_name == '.' ||
        (size_t)snprintf(path, sizeof path, "%s/s/%s/sock", home, entry->d_name) >= sizeof path)
      continue;
    any = listens(path);
  }
  closedir(sessions);
  return any;
}

static bool same(const char *a, const char *b) { return *a && !strcmp(a, b); }

enum machine_verdict machine_of_home(const char *home, const struct machine *self, char *problem, size_t room) {
  struct machine owner;
  if (!read_owner(home, &owner)) return MACHINE_UNKNOWN;
  const char *advice = "set FALCON_SESSIONS_HOME to a folder of this machine's own";
  if (same(owner.boot, self->boot)) {
    if (!strcmp(owner.pids, self->pids) || !lives(home)) return MACHINE_OURS;
    snprintf(problem, room,
             "%s belongs to %s (another container of this machine, whose processes cannot be seen from here), which "
             "uses it now: use falcon there, or %s",
             home, owner.name, advice);
    return MACHINE_ANOTHER;
  }
  bool same_id = same(owner.id, self->id), same_name = !strcmp(owner.name, self->name);
  bool no_ids = !*owner.id && !*self->id;
  // a restart
  if ((same_id || no_ids) && same_name) return MACHINE_OURS;
  if (same_id || no_ids)
    snprintf(problem, room,
             "%s belongs to %s, which has this machine's id but another name: use falcon there; or if it is this "
             "machine, renamed and restarted, rm %s/machine; else %s",
             home, owner.name, home, advice);
  else
    snprintf(problem, room, "%s belongs to %s (another machine%s), which alone may open it: use falcon there, or %s",
             home, owner.name, same_name ? " of this name" : "", advice);
  return MACHINE_ANOTHER;
}

bool machine_claim(const char *home, const struct machine *self) {
  char path[PATH_MAX], temporary[PATH_MAX], text[FILE_LONGEST];
  struct machine kept;
  // as at most starts: a file that takes another one's place is put on disk at once by ext4, which takes 10
  // to 30 ms where the disk has other work, and a person waits
  if (read_owner(home, &kept) && !strcmp(kept.id, self->id) && !strcmp(kept.boot, self->boot) && !strcmp(kept.pids, self->pids) &&
      !strcmp(kept.name, self->name))
    return true;
  snprintf(path, sizeof path, "%s/machine", home);
  snprintf(temporary, sizeof temporary, "%s/.machine.%d", home, (int)getpid());
  int length = snprintf(text, sizeof text, "%sid %s\nboot %s\npids %s\nname %s\n", first_line, self->id, self->boot,
                        self->pids, self->name);
  unlink(temporary);
  int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  bool written = write(fd, text, (size_t)length) == length;
  if (close(fd) == 0 && written && rename(temporary, path) == 0) return true;
  int error = errno;
  unlink(temporary);
  errno = error;
  return false;
}
