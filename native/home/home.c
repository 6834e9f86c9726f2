// Finds and checks the folder that holds the sockets, the database and the logs: $FALCON_SESSIONS_HOME, else
// ${XDG_STATE_HOME:-~/.local/state}/falcon-sessions/<host>, else (network file system, no or read-only home,
// too long a path) /var/tmp/falcon-sessions-<uid>/<host>. The host is part of it because login nodes share
// homes.
#include "home/home.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "home/folder.h"
#include "home/machine.h"
#include "system/os.h"
#include "system/utf8.h"

static bool is_utf8(const char *text, size_t length) {
  uint32_t point;
  for (size_t at = 0, size; at < length; at += size)
    if ((size = utf8_character((const uint8_t *)text + at, length - at, &point)) == 0) return false;
  return true;
}

// The path without symbolic links and dots, also where its last parts are not there yet. False with errno.
static bool real_path(const char *path, char real[PATH_MAX]) {
  char there[PATH_MAX];
  size_t length = strlen(path);
  if (length >= sizeof there) {
    errno = ENAMETOOLONG;
    return false;
  }
  memcpy(there, path, length + 1);
  while (!realpath(there, real)) {
    if (errno != ENOENT) return false;
    char *slash = strrchr(there, '/');
    if (!slash) return false;
    const char *name = slash + 1;
    // a way back up from what is not there leads nowhere that could be told
    if (!strcmp(name, "..")) return false;
    slash[slash == there ? 1 : 0] = 0;
    if (slash == there) {
      if (!realpath("/", real)) return false;
      break;
    }
  }
  // behind what is there: the same names, without empty ones and dots
  size_t end = strlen(real);
  for (const char *at = path + strlen(there); *at;) {
    const char *name = at + strspn(at, "/");
    size_t part = strcspn(name, "/");
    at = name + part;
    if (part == 0 || (part == 1 && *name == '.')) continue;
    if (end + 1 + part >= PATH_MAX) {
      errno = ENAMETOOLONG;
      return false;
    }
    if (end > 1) real[end++] = '/';
    memcpy(real + end, name, part);
    real[end += part] = 0;
  }
  return true;
}

// Makes and checks `wanted` (absolute), and writes its real path to `home`. On false `*refused` tells that it
// cannot be made there, in contrast to: what is there must not be used.
static bool settle(const char *wanted, char *home, bool *refused, char *problem, size_t room) {
  char parent[PATH_MAX], real[PATH_MAX];
  *refused = false;
  snprintf(parent, sizeof parent, "%s", wanted);
  for (size_t length = strlen(parent); length > 1 && parent[length - 1] == '/';) parent[--length] = 0;
  char *slash = strrchr(parent, '/');
  char *name = slash + 1;
  if (*name == 0 || !strcmp(name, ".") || !strcmp(name, "..")) {
    // the name of the folder must be known, to see that it is no symbolic link
    if (!realpath(parent, real)) return folder_problem(problem, room, "%s cannot be used: %s", wanted, strerror(errno));
    snprintf(parent, sizeof parent, "%s", real);
    slash = strrchr(parent, '/');
    name = slash + 1;
    if (*name == 0)
      return folder_problem(problem, room, "/ cannot be the folder of the sessions: " ELSEWHERE);
  }
  *slash = 0;
  if (!real_path(*parent ? parent : "/", real)) {
    *refused = true;
    return folder_problem(problem, room, "%s cannot be made: %s", wanted, strerror(errno));
  }
  char full[PATH_MAX + NAME_MAX + 2];
  int length = snprintf(full, sizeof full, "%s/%s", strcmp(real, "/") ? real : "", name);
  if (length > HOME_LONGEST) {
    *refused = true;
    return folder_problem(problem, room,
        "the path %s has %d bytes, but a Unix socket in it leaves room for %d: set FALCON_SESSIONS_HOME to a shorter one", full,
        length, HOME_LONGEST);
  }
  if (!is_utf8(full, (size_t)length)) {
    // Node would hear another name on its command line
    *refused = true;
    return folder_problem(problem, room, "the path %s is not UTF-8: set FALCON_SESSIONS_HOME to one that is", full);
  }
  memcpy(home, full, (size_t)length + 1);
  return folder_own(home, refused, problem, room);
}

static bool on_network(const char *path) {
  // statfs() waits for a file server that is away
  if (os_network_mount(path)) return true;
  char part[PATH_MAX];
  int found;
  snprintf(part, sizeof part, "%s", path);
  // what is not there yet will be where its parent is
  while ((found = os_on_network(part)) < 0) {
    char *slash = strrchr(part, '/');
    if (!slash || (errno != ENOENT && errno != ENOTDIR)) return false;
    if (slash == part) return os_on_network("/") == 1;
    *slash = 0;
  }
  return found;
}

// The folder of the homes in the user's home; false where there is none.
static bool default_folder(char *path, size_t room) {
  const char *state = getenv("XDG_STATE_HOME");
  // the specification has relative paths ignored
  if (state && *state == '/') return (size_t)snprintf(path, room, "%s/falcon-sessions", state) < room;
  const char *user = getenv("HOME");
  if (!user || *user != '/') {
    const struct passwd *entry = getpwuid(geteuid());
    if (!entry || entry->pw_dir[0] != '/') return false;
    user = entry->pw_dir;
  }
  return (size_t)snprintf(path, room, "%s/.local/state/falcon-sessions", user) < room;
}

// This host's name as a part of a path.
static void host_name(char *host, size_t room) {
  if (gethostname(host, room) < 0 || !*host) snprintf(host, room, "localhost");
  host[room - 1] = 0;
  for (char *at = host; *at; at++)
    if (*at == '/') *at = '-';
}

bool home_of_job(const char *host_home, const char *job, bool make, char *home, char *problem, size_t room) {
  char wanted[PATH_MAX], host[256];
  bool refused;
  int length = snprintf(wanted, sizeof wanted, "%s/j/%s", host_home, job);
  if (length > HOME_LONGEST) {
    host_name(host, sizeof host);
    snprintf(wanted, sizeof wanted, "/var/tmp/falcon-sessions-%u/%s/j/%s", (unsigned)geteuid(), host, job);
  }
  if (!make && access(wanted, F_OK) < 0)
    return folder_problem(problem, room, "there is no job %s with sessions on this host (%s: %s)", job, wanted, strerror(errno));
  return settle(wanted, home, &refused, problem, room);
}

// Names the folder below `above` that is this machine's: as the host is called, unless another machine has
// that one (two hosts of one name, a name that went from one to another); one that was made under an earlier
// name is found by what it says of itself.
static void name_home(const char *above, const char *host, char *path, size_t room) {
  struct machine self;
  char problem[2 * PATH_MAX];
  machine_self(&self);
  snprintf(path, room, "%s/%s", above, host);
  enum machine_verdict verdict = machine_of_home(path, &self, problem, sizeof problem);
  if (verdict == MACHINE_OURS || (verdict == MACHINE_UNKNOWN && access(path, F_OK) == 0)) return;
  DIR *homes = opendir(above);
  for (struct dirent *entry; homes && (entry = readdir(homes));) {
    char other[PATH_MAX];
    if (*entry->d_name == '.' || (size_t)snprintf(other, sizeof other, "%s/%s", above, entry->d_name) >= sizeof other) continue;
    if (machine_of_home(other, &self, problem, sizeof problem) != MACHINE_OURS) continue;
    snprintf(path, room, "%s", other);
    closedir(homes);
    return;
  }
  if (homes) closedir(homes);
  if (verdict == MACHINE_ANOTHER) snprintf(path, room, "%s/%s.%.8s", above, host, *self.id ? self.id : self.boot);
}

bool home_find(char *home, char *problem, size_t room) {
  char wanted[PATH_MAX], above[PATH_MAX - NAME_MAX], host[256];
  bool refused;
  const char *set = getenv("FALCON_SESSIONS_HOME");
  if (set && *set) {
    char here[PATH_MAX] = "";
    if (*set != '/' && !getcwd(here, sizeof here))
      return folder_problem(problem, room, "the working folder is gone, FALCON_SESSIONS_HOME is relative to it");
    size_t length = (size_t)snprintf(wanted, sizeof wanted, *set == '/' ? "%s%s" : "%s/%s", here, set);
    if (length >= sizeof wanted) return folder_problem(problem, room, "FALCON_SESSIONS_HOME is longer than a path can be");
    return settle(wanted, home, &refused, problem, room);
  }
  host_name(host, sizeof host);
  if (default_folder(above, sizeof above) && !on_network(above)) {
    name_home(above, host, wanted, sizeof wanted);
    if (settle(wanted, home, &refused, problem, room)) return true;
    if (!refused) return false;
  }
  snprintf(above, sizeof above, "/var/tmp/falcon-sessions-%u", (unsigned)geteuid());
  name_home(above, host, wanted, sizeof wanted);
  return settle(wanted, home, &refused, problem, room);
}
