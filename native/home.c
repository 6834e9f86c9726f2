// Finds and checks the folder that holds the sockets, the database and the logs: $FALCON_SESSIONS_HOME, else
// ${XDG_STATE_HOME:-~/.local/state}/falcon-sessions/<host>, else (network file system, no or read-only home, too long a path)
// /var/tmp/falcon-sessions-<uid>/<host>. The host is part of it because login nodes share homes.
#include "home.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os.h"

static bool say(char *problem, size_t room, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(problem, room, format, arguments);
  va_end(arguments);
  return false;
}

// In a user namespace (an unprivileged container) the files of root and of everybody else belong to the overflow user.
static bool in_user_namespace(void) {
  unsigned long inside, outside, count = 0;
  FILE *map = fopen("/proc/self/uid_map", "re");
  if (!map) return false;
  bool whole = fscanf(map, "%lu %lu %lu", &inside, &outside, &count) == 3 && inside == 0 && outside == 0 && count >= 4294967295UL;
  fclose(map);
  return !whole;
}

// A folder above ours: whoever can rename in it can put another folder in the place of ours.
static bool check_parent(const char *path, char *problem, size_t room) {
  struct stat status;
  const uid_t overflow = 65534;
  if (stat(path, &status) < 0) return say(problem, room, "%s cannot be looked at: %s", path, strerror(errno));
  if (status.st_uid != 0 && status.st_uid != geteuid() && !(status.st_uid == overflow && in_user_namespace()))
    return say(problem, room, "%s belongs to another user (%u), who could replace what is in it: set FALCON_SESSIONS_HOME to a folder of your own",
               path, (unsigned)status.st_uid);
  if (status.st_mode & S_ISVTX) return true;
  // many systems give each user a group of their own and a umask of 002, so the group that we are in ourselves may write
  mode_t others = S_IWOTH | (status.st_gid == getegid() ? 0 : S_IWGRP);
  if (status.st_mode & others)
    return say(problem, room, "%s can be written by others, who could replace what is in it: set FALCON_SESSIONS_HOME to a folder of your own", path);
  return true;
}

static bool check_parents(const char *folder, char *problem, size_t room) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s", folder);
  for (;;) {
    if (!check_parent(path, problem, room)) return false;
    char *slash = strrchr(path, '/');
    if (path[1] == 0) return true;
    slash[slash == path ? 1 : 0] = 0;
  }
}

// Like mkdir -p, each new folder with mode 0700 whatever the umask is. False with errno.
static bool make_folders(const char *path) {
  char part[PATH_MAX];
  snprintf(part, sizeof part, "%s", path);
  for (char *at = part + 1;; at++) {
    if (*at != '/' && *at != 0) continue;
    char end = *at;
    *at = 0;
    struct stat status;
    if (stat(part, &status) < 0) {
      if (errno != ENOENT) return false;
      if (mkdir(part, 0700) == 0) chmod(part, 0700);
      else if (errno != EEXIST) return false;
    }
    if (end == 0) return true;
    *at = end;
  }
}

// The folder itself: ours, a real folder, closed to everybody else. It is never mended here: that others could enter it is to be known.
static bool check_folder(const char *path, char *problem, size_t room) {
  struct stat status;
  if (lstat(path, &status) < 0) return say(problem, room, "%s cannot be looked at: %s", path, strerror(errno));
  if (S_ISLNK(status.st_mode)) return say(problem, room, "%s is a symbolic link; it must be a folder of your own", path);
  if (!S_ISDIR(status.st_mode)) return say(problem, room, "%s is not a folder", path);
  if (status.st_uid != geteuid())
    return say(problem, room, "%s belongs to another user (%u): set FALCON_SESSIONS_HOME to a folder of your own", path, (unsigned)status.st_uid);
  if (status.st_mode & 077)
    return say(problem, room, "%s is open to other users (mode %04o): chmod 700 %s", path, (unsigned)status.st_mode & 07777, path);
  return true;
}

// As far as Node looks: the lengths and bits of characters, no surrogates, nothing beyond U+10FFFF.
static bool is_utf8(const char *text) {
  const unsigned char *at = (const unsigned char *)text;
  while (*at) {
    int more = *at < 0x80 ? 0 : *at < 0xc2 ? -1 : *at < 0xe0 ? 1 : *at < 0xf0 ? 2 : *at < 0xf5 ? 3 : -1;
    if (more < 0) return false;
    unsigned first = *at++;
    for (int i = 0; i < more; i++, at++) {
      unsigned least = i == 0 && first == 0xe0 ? 0xa0 : i == 0 && first == 0xf0 ? 0x90 : 0x80;
      unsigned most = i == 0 && first == 0xed ? 0x9f : i == 0 && first == 0xf4 ? 0x8f : 0xbf;
      if (*at < least || *at > most) return false;
    }
  }
  return true;
}

// Makes and checks `wanted` (absolute), and writes its real path to `home`. On false `*refused` tells that it cannot be made
// there, in contrast to: what is there must not be used.
static bool settle(const char *wanted, char *home, bool *refused, char *problem, size_t room) {
  char parent[PATH_MAX], real[PATH_MAX];
  *refused = false;
  snprintf(parent, sizeof parent, "%s", wanted);
  for (size_t length = strlen(parent); length > 1 && parent[length - 1] == '/';) parent[--length] = 0;
  char *slash = strrchr(parent, '/');
  char *name = slash + 1;
  if (*name == 0 || !strcmp(name, ".") || !strcmp(name, "..")) {
    // the name of the folder must be known, to see that it is no symbolic link
    if (!realpath(parent, real)) return say(problem, room, "%s cannot be used: %s", wanted, strerror(errno));
    snprintf(parent, sizeof parent, "%s", real);
    slash = strrchr(parent, '/');
    name = slash + 1;
    if (*name == 0) return say(problem, room, "/ cannot be the folder of the sessions: set FALCON_SESSIONS_HOME to a folder of your own");
  }
  *slash = 0;
  if (!make_folders(*parent ? parent : "/") || !realpath(*parent ? parent : "/", real)) {
    *refused = true;
    return say(problem, room, "%s cannot be made: %s", wanted, strerror(errno));
  }
  if (!check_parents(real, problem, room)) return false;
  char full[2 * PATH_MAX];
  int length = snprintf(full, sizeof full, "%s/%s", strcmp(real, "/") ? real : "", name);
  if (length > HOME_LONGEST) {
    *refused = true;
    return say(problem, room, "the path %s has %d bytes, but a Unix socket in it leaves room for %d: set FALCON_SESSIONS_HOME to a shorter one", full,
               length, HOME_LONGEST);
  }
  if (!is_utf8(full)) {
    // Node would hear another name on its command line
    *refused = true;
    return say(problem, room, "the path %s is not UTF-8: set FALCON_SESSIONS_HOME to one that is", full);
  }
  if (mkdir(full, 0700) == 0) chmod(full, 0700);
  else if (errno != EEXIST) {
    *refused = true;
    return say(problem, room, "%s cannot be made: %s", full, strerror(errno));
  }
  memcpy(home, full, (size_t)length + 1);
  return check_folder(home, problem, room);
}

static bool on_network(const char *path) {
  char part[PATH_MAX];
  struct os_file_system found;
  snprintf(part, sizeof part, "%s", path);
  // what is not there yet will be where its parent is
  while (os_file_system(part, &found) < 0) {
    char *slash = strrchr(part, '/');
    if (!slash || (errno != ENOENT && errno != ENOTDIR)) return false;
    if (slash == part) return os_file_system("/", &found) == 0 && found.network;
    *slash = 0;
  }
  return found.network;
}

// The folder in the user's home; false where there is no home.
static bool default_folder(char *path, size_t room, const char *host) {
  const char *state = getenv("XDG_STATE_HOME");
  // the specification has relative paths ignored
  if (state && *state == '/') return (size_t)snprintf(path, room, "%s/falcon-sessions/%s", state, host) < room;
  const char *user = getenv("HOME");
  if (!user || *user != '/') {
    const struct passwd *entry = getpwuid(geteuid());
    if (!entry || entry->pw_dir[0] != '/') return false;
    user = entry->pw_dir;
  }
  return (size_t)snprintf(path, room, "%s/.local/state/falcon-sessions/%s", user, host) < room;
}

bool home_find(char *home, char *problem, size_t room) {
  char wanted[PATH_MAX], host[256];
  bool refused;
  const char *set = getenv("FALCON_SESSIONS_HOME");
  if (set && *set) {
    char here[PATH_MAX] = "";
    if (*set != '/' && !getcwd(here, sizeof here)) return say(problem, room, "the working folder is gone, FALCON_SESSIONS_HOME is relative to it");
    size_t length = (size_t)snprintf(wanted, sizeof wanted, *set == '/' ? "%s%s" : "%s/%s", here, set);
    if (length >= sizeof wanted) return say(problem, room, "FALCON_SESSIONS_HOME is longer than a path can be");
    return settle(wanted, home, &refused, problem, room);
  }
  if (gethostname(host, sizeof host) < 0 || !*host) snprintf(host, sizeof host, "localhost");
  host[sizeof host - 1] = 0;
  for (char *at = host; *at; at++)
    if (*at == '/') *at = '-';
  if (default_folder(wanted, sizeof wanted, host) && !on_network(wanted)) {
    if (settle(wanted, home, &refused, problem, room)) return true;
    if (!refused) return false;
  }
  snprintf(wanted, sizeof wanted, "/var/tmp/falcon-sessions-%u/%s", (unsigned)geteuid(), host);
  return settle(wanted, home, &refused, problem, room);
}
