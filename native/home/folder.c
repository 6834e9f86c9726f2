// See folder.h. Each part is opened from the one above it, so that what was checked is what is used, whoever
// renames folders meanwhile.
#include "home/folder.h"

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

// Linux: a descriptor that only names a folder needs no right to read it (a /home that is 0711).
#ifdef O_PATH
enum { NAMED = O_PATH | O_NOFOLLOW | O_CLOEXEC };
#else
enum { NAMED = O_RDONLY | O_NOFOLLOW | O_CLOEXEC };
#endif

bool folder_problem(char *problem, size_t room, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(problem, room, format, arguments);
  va_end(arguments);
  return false;
}

// In a user namespace (an unprivileged container) the files of root and of everybody else belong to the
// overflow user.
static bool in_user_namespace(void) {
  unsigned long inside, outside, count = 0;
  FILE *map = fopen("/proc/self/uid_map", "re");
  if (!map) return false;
  bool whole = fscanf(map, "%lu %lu %lu", &inside, &outside, &count) == 3 && inside == 0 && outside == 0 && count >= 4294967295UL;
  fclose(map);
  return !whole;
}

// Whether another account has this group as its own. Of the file only: a directory server may have a million,
// and gives private groups no second one.
static bool is_primary_of_another(gid_t group, const char *name) {
  bool found = false;
#ifdef __linux__
  FILE *accounts = fopen("/etc/passwd", "re");
  if (!accounts) return false;
  for (struct passwd *entry; !found && (entry = fgetpwent(accounts));)
    found = entry->pw_gid == group && strcmp(entry->pw_name, name);
  fclose(accounts);
#else
  (void)group;
  (void)name;
#endif
  return found;
}

// Many systems give each user a group of the same name, with nobody else in it, and a umask of 002. A group
// that is shared (a project's) is as good as everybody.
static bool is_private_group(gid_t group) {
  char name[256];
  const struct passwd *user = getpwuid(geteuid());
  if (!user || (size_t)snprintf(name, sizeof name, "%s", user->pw_name) >= sizeof name) return false;
  const struct group *entry = getgrgid(group);
  if (!entry || strcmp(entry->gr_name, name)) return false;
  for (char **member = entry->gr_mem; *member; member++)
    if (strcmp(*member, name)) return false;
  return !is_primary_of_another(group, name);
}

// A folder above ours: whoever can rename in it can put another folder in the place of ours.
static bool check_parent(int fd, const char *path, char *problem, size_t room) {
  struct stat status;
  const uid_t overflow = 65534;
  if (fstat(fd, &status) < 0) return folder_problem(problem, room, "%s cannot be looked at: %s", path, strerror(errno));
  if (status.st_uid != 0 && status.st_uid != geteuid() && !(status.st_uid == overflow && in_user_namespace())) {
    const char *set = getenv("FALCON_SESSIONS_HOME");
    if (geteuid() == 0 && !(set && *set))
      return folder_problem(problem, room,
          "%s belongs to another user (%u) and you are root with that user's HOME: use 'sudo -H', so that root's "
          "sessions are in root's own",
          path, (unsigned)status.st_uid);
    return folder_problem(problem, room, "%s belongs to another user (%u), who could replace what is in it: " ELSEWHERE, path,
        (unsigned)status.st_uid);
  }
  if (status.st_mode & S_ISVTX) return true;
  bool by_group = (status.st_mode & S_IWGRP) && !(status.st_gid == getegid() && is_private_group(status.st_gid));
  if (!by_group && !(status.st_mode & S_IWOTH)) return true;
  bool ours = status.st_uid == geteuid();
  return folder_problem(problem, room, "%s can be written by others, who could replace what is in it: %s%s%s" ELSEWHERE, path,
      ours ? "chmod go-w " : "", ours ? path : "", ours ? ", or " : "");
}

// The folder itself: ours, a real folder, closed to everybody else. It is never mended here: that others
// could enter it is to be known.
static bool check_own(int fd, const char *path, char *problem, size_t room) {
  struct stat status;
  if (fstat(fd, &status) < 0) return folder_problem(problem, room, "%s cannot be looked at: %s", path, strerror(errno));
  if (S_ISLNK(status.st_mode))
    return folder_problem(problem, room, "%s is a symbolic link; it must be a folder of your own", path);
  if (!S_ISDIR(status.st_mode)) return folder_problem(problem, room, "%s is not a folder", path);
  if (status.st_uid != geteuid())
    return folder_problem(problem, room, "%s belongs to another user (%u): " ELSEWHERE, path, (unsigned)status.st_uid);
  if (status.st_mode & 077)
    return folder_problem(problem, room, "%s is open to other users (mode %04o): chmod 700 %s", path,
        (unsigned)status.st_mode & 07777, path);
  return true;
}

// Opens a part of the path, and makes it where it is not there; -1 with errno.
static int step(int above, const char *name) {
  int fd = openat(above, name, NAMED);
  if (fd >= 0 || errno != ENOENT) return fd;
  if (mkdirat(above, name, 0700) == 0) {
    // the umask may have taken even our own rights; nobody but us can have put another folder in its place
    // meanwhile
    if (fchmodat(above, name, 0700, 0) < 0) return -1;
  } else if (errno != EEXIST) return -1;
  return openat(above, name, NAMED);
}

bool folder_own(const char *path, bool *refused, char *problem, size_t room) {
  char part[PATH_MAX];
  *refused = false;
  snprintf(part, sizeof part, "%s", path);
  int fd = open("/", NAMED);
  bool fine = fd >= 0 || folder_problem(problem, room, "/ cannot be looked at: %s", strerror(errno));
  for (char *at = part; fine && *at;) {
    char *name = ++at;
    at += strcspn(at, "/");
    char end = *at;
    name[-1] = 0;
    fine = check_parent(fd, *part ? part : "/", problem, room);
    if (!fine) break;
    *at = 0;
    int next = step(fd, name);
    int error = errno;
    name[-1] = '/';
    if (next < 0) {
      *refused = true;
      fine = folder_problem(problem, room, "%s cannot be made: %s", path, strerror(error));
      break;
    }
    close(fd);
    fd = next;
    *at = end;
  }
  fine = fine && check_own(fd, path, problem, room);
  if (fd >= 0) close(fd);
  return fine;
}
