// See start.h. Of many clients at once one starts the server: it holds <home>/start.lock until the server
// listens, the others ask again.
#include "home/start.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

#include "system/allowance.h"
#include "home/home.h"
#include "system/os.h"

enum {
  // How long a server may take until it listens: Node from a cold, slow disk, and a thousand sessions to
  // adopt.
  START_MS = 30000,
  // So many servers in a row that end before they listen, without a word: then it is not by chance.
  SILENT_LIMIT = 3,
  // Where we may not start it: a client inside of the job needs about a second to start another one after a
  // crash.
  ANOTHERS_MS = 5000,
  // So often a home that is removed while its first server is started is made again.
  REMAKE_LIMIT = 3,
  // How often a client asks again that waits for another one's server.
  AGAIN_MS = 10,
  READY_FD = 3,
  // What a server takes beside its first thread: Node's six and its pool's four, the screens' one, and a
  // helper's five. With fewer Node hangs or aborts at its start, without a word
  // (test/load/no-processes.test.ts counts them).
  SERVER_TASKS = 16,
};

static const char no_room[] =
    "there is no room for its processes and threads (your limit, 'ulimit -u', or the machine's is reached): "
    "end some programs and try again; what runs goes on";

static void fail(char *problem, size_t room, const char *what, const char *path) {
  snprintf(problem, room, "%s %s: %s", what, path, strerror(errno));
}

// A socket of the server; -1 with an empty problem when nobody listens.
static int try_connect(const char *home, pid_t *pid, char *problem, size_t room) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s/server.sock", home);
  *problem = 0;
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) {
    fail(problem, room, "no socket for", address.sun_path);
    return -1;
  }
  os_set_own(fd);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    // EAGAIN: more clients at once than the server's queue takes
    bool nobody = errno == ENOENT || errno == ECONNREFUSED || errno == EAGAIN || errno == EINTR;
    if (!nobody) fail(problem, room, "cannot connect to", address.sun_path);
    close(fd);
    return -1;
  }
  uid_t uid;
  if (os_peer(fd, &uid, pid) < 0 || uid != geteuid()) {
    snprintf(problem, room, "%s is served by another user, so nothing is sent to it", address.sun_path);
    close(fd);
    return -1;
  }
  return fd;
}

// Our own file, into PATH_MAX bytes; false with errno, which is ENOENT where it was deleted since it was
// started.
static bool own_file(char *self) {
#ifdef __APPLE__
  char raw[PATH_MAX];
  uint32_t size = sizeof raw;
  return _NSGetExecutablePath(raw, &size) == 0 && realpath(raw, self);
#else
  return realpath("/proc/self/exe", self);
#endif
}

// The folder of the program: the nearest one above our own file that holds dist/server.cjs, itself or in
// share/falcon-sessions, which is where a wheel puts it beside the bin of its environment.
static bool find_root(char *root, size_t room, char *problem, size_t problem_room) {
  char self[PATH_MAX], path[PATH_MAX + 64];
  if (!own_file(self)) {
    fail(problem, problem_room, "cannot tell where", "falcon is installed");
    return false;
  }
  snprintf(root, room, "%s", self);
  for (char *slash; (slash = strrchr(root, '/')) && slash != root;) {
    *slash = 0;
    snprintf(path, sizeof path, "%s/dist/server.cjs", root);
    if (access(path, R_OK) == 0) return true;
    snprintf(path, sizeof path, "%s/share/falcon-sessions/dist/server.cjs", root);
    if (access(path, R_OK) == 0 && strlen(root) + sizeof "/share/falcon-sessions" <= room) {
      strcat(root, "/share/falcon-sessions");
      return true;
    }
  }
  snprintf(problem, problem_room, "%s was not built: there is no dist/server.cjs beside it; run npm ci in its folder", self);
  return false;
}

// The last of the files that fit a pattern of node-path and can be run; a relative one begins in dist, so
// that an installation may be moved.
static bool match(const char *root, const char *pattern, char *path, size_t room) {
  char whole[2 * PATH_MAX];
  glob_t found;
  bool relative = *pattern != '/', any = false;
  snprintf(whole, sizeof whole, "%s%s%s", relative ? root : "", relative ? "/dist/" : "", pattern);
  // a folder's own name may have a meaning in a pattern, but no file is called by it then
  if (access(whole, X_OK) == 0) return (size_t)snprintf(path, room, "%s", whole) < room;
  if (glob(whole, 0, NULL, &found) != 0) return false;
  for (size_t i = found.gl_pathc; i-- > 0 && !any;)
    any = access(found.gl_pathv[i], X_OK) == 0 && (size_t)snprintf(path, room, "%s", found.gl_pathv[i]) < room;
  globfree(&found);
  return any;
}

// Which Node: $FALCON_NODE, else the first that a line of node-path names (the one that the build ran with,
// or the one of a wheel's environment), else the first on PATH.
static const char *find_node(const char *root, char *path, size_t room) {
  const char *chosen = getenv("FALCON_NODE");
  if (chosen && *chosen) return chosen;
  char file[PATH_MAX + 32], lines[PATH_MAX];
  snprintf(file, sizeof file, "%s/dist/node-path", root);
  int fd = open(file, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, lines, sizeof lines - 1);
  if (fd >= 0) close(fd);
  lines[length > 0 ? length : 0] = 0;
  for (char *rest = lines, *line; (line = strsep(&rest, "\n"));)
    if (*line && match(root, line, path, room)) return path;
  return "node";
}

// In a process of its own: becomes the server, with nothing of ours but its environment, and writes why it
// could not to server.err.
static void become_server(const struct place *place, const char *command, const char *root, int ready) {
  const char *home = place->home;
  char errors[PATH_MAX], script[PATH_MAX + 32], node_path[PATH_MAX];
  setsid();
  snprintf(errors, sizeof errors, "%s/server.err", home);
  int log = open(errors, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW, 0600);
  allowance_widen();
  // the session's leader ends at once, so that the server can never get a controlling terminal
  pid_t child = fork();
  if (child < 0) dprintf(log, "%s\n", no_room);
  if (child != 0) _exit(0);
  int null = open("/dev/null", O_RDWR);
  dup2(null, 0);
  dup2(null, 1);
  dup2(log >= 0 ? log : null, 2);
  if (ready == READY_FD) fcntl(ready, F_SETFD, 0);
  else dup2(ready, READY_FD);
  os_close_from(READY_FD + 1);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  umask(077);
  const char *node = find_node(root, node_path, sizeof node_path);
  snprintf(script, sizeof script, "%s/dist/server.cjs", root);
  // meant for the Node program that we may have been called by
  unsetenv("NODE_OPTIONS");
  unsetenv("NODE_CHANNEL_FD");
  unsetenv("NODE_UNIQUE_ID");
  os_prefer_latency();
  // each of Node's threads would keep memory of its own that it does not give back; for the server alone:
  // programs get their caller's environment
  setenv("MALLOC_ARENA_MAX", "2", 0);
  // Node (22.1 and later) keeps what it compiles, and the next server and its threads start without compiling
  // it again; a batch job's home is new each time, so that its server takes what the host's has compiled. A
  // folder that the caller named is for the Node programs that the caller runs: ours would be kept in it for
  // ever
  const char *compiled_in = *place->job.name ? place->host : home;
  char compiled[PATH_MAX];
  if ((size_t)snprintf(compiled, sizeof compiled, "%s/code-cache", compiled_in) < sizeof compiled)
    setenv("NODE_COMPILE_CACHE", compiled, 1);
  const char *arguments[16] = {node, script, "--home", home, "--ready", "3"};
  size_t count = 6;
  char keeper[16];
  if (*place->job.name) {
    arguments[count++] = "--job";
    arguments[count++] = place->job.name;
    arguments[count++] = "--host";
    arguments[count++] = place->host;
  }
  if (place->job.keeper > 0) {
    snprintf(keeper, sizeof keeper, "%d", (int)place->job.keeper);
    arguments[count++] = "--keeper";
    arguments[count++] = keeper;
  }
  // behind all others, since it may be called as one of them
  if (command) {
    arguments[count++] = "--for";
    arguments[count++] = command;
  }
  if (!allowance_room(SERVER_TASKS)) {
    dprintf(2, "%s\n", no_room);
    _exit(126);
  }
  if (chdir("/") == 0) execvp(node, (char **)(uintptr_t)arguments);
  dprintf(2, "cannot start %s: %s\n", node, strerror(errno));
  _exit(127);
}

// The line of server.err that says most: the last one that is neither blank, indented (a stack) nor Node's
// version. False where it said nothing.
static bool last_words(const char *home, char *line, size_t room) {
  char path[PATH_MAX], text[8192];
  snprintf(path, sizeof path, "%s/server.err", home);
  snprintf(line, room, "it said nothing");
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return true;
  off_t size = lseek(fd, 0, SEEK_END);
  off_t from = size > (off_t)sizeof text - 1 ? size - (off_t)sizeof text + 1 : 0;
  ssize_t length = pread(fd, text, sizeof text - 1, from);
  close(fd);
  if (length <= 0) return false;
  text[length] = 0;
  for (char *next = text, *at; (at = strsep(&next, "\n"));) {
    if (strchr(" \t\r}", *at) || !strncmp(at, "Node.js v", 9)) continue;
    snprintf(line, room, "%s", at);
  }
  return true;
}

// Starts the server and waits until it listens. Called under the lock. *silent counts the servers that ended
// without a word: they were killed, which is no reason not to try again.
static bool start_server(const struct place *place, const char *command, patience *wait, int64_t end, int *silent, char *problem,
                         size_t room) {
  const char *home = place->home;
  char root[PATH_MAX], line[512];
  int ready[2];
  if (!find_root(root, sizeof root, problem, room)) return false;
  if (pipe(ready) < 0) {
    fail(problem, room, "no pipe for", "the session server");
    return false;
  }
  fcntl(ready[0], F_SETFD, FD_CLOEXEC);
  fcntl(ready[1], F_SETFD, FD_CLOEXEC);
  pid_t child = fork();
  if (child == 0) become_server(place, command, root, ready[1]);
  close(ready[1]);
  if (child < 0) {
    if (errno == EAGAIN) snprintf(problem, room, "the session server could not start: %s", no_room);
    else fail(problem, room, "cannot start", "the session server");
    close(ready[0]);
    return false;
  }
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
  char word = 0;
  int64_t left = end - os_steady_ms();
  bool told = wait(ready[0], left > 0 ? (int)left : 0);
  ssize_t count = told ? read(ready[0], &word, 1) : 0;
  close(ready[0]);
  if (count == 1 && word == '1') return true;
  if (!told) {
    snprintf(problem, room, "the session server does not listen after %d s; see %s/server.log", START_MS / 1000, home);
    return false;
  }
  if (!last_words(home, line, sizeof line) && ++*silent < SILENT_LIMIT) return false;
  snprintf(problem, room, "the session server could not start: %s (%s/server.err)", line, home);
  return false;
}

// Waits for a server that somebody else starts.
static int await_anothers(const struct place *place, patience *wait, pid_t *pid, char *problem, size_t room) {
  int64_t end = os_steady_ms() + ANOTHERS_MS;
  for (int fd;;) {
    fd = try_connect(place->home, pid, problem, room);
    if (fd >= 0 || *problem) return fd;
    if (os_steady_ms() > end) break;
    wait(-1, AGAIN_MS);
  }
  char self[PATH_MAX];
  if (!own_file(self))
    snprintf(problem, room,
             "no session server answers, and this falcon cannot start one: its installation was deleted");
  else if (*place->job.name)
    snprintf(problem, room,
             "no session server of job %s answers, and only a process of the job can start one (a falcon command in "
             "its script, or by srun --overlap)",
             place->job.name);
  else snprintf(problem, room, "no session server of this host answers, and it cannot be started from inside of a batch job");
  return -1;
}

// The lock of those who start a server there, open but not taken; -1 with a problem. A job's home that had
// nothing in it yet may just have been taken for that of an ended job, and removed
// (src/session/machines/take-in.ts): it is made again.
static int open_start_lock(const struct place *place, char *problem, size_t room) {
  char path[PATH_MAX];
  struct place again;
  snprintf(path, sizeof path, "%s/start.lock", place->home);
  for (int tries = 0;; tries++) {
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock >= 0) return lock;
    if (errno == ENOENT && tries < REMAKE_LIMIT) {
      if (!place_find(NULL, &again, problem, room)) return -1;
      continue;
    }
    fail(problem, room, "cannot open", path);
    return -1;
  }
}

// Whether the file was removed since it was opened.
static bool is_removed(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && status.st_nlink == 0;
}

int start_reach(const struct place *place, const char *command, patience *wait, pid_t *pid, char *problem, size_t room) {
  const char *home = place->home;
  char path[PATH_MAX];
  int64_t end = os_steady_ms() + START_MS;
  int silent = 0;
  int fd = try_connect(home, pid, problem, room);
  if (fd >= 0 || *problem) return fd;
  if (!place->may_start || (!own_file(path) && errno == ENOENT)) return await_anothers(place, wait, pid, problem, room);
  // whoever has the lock and stands still (Ctrl+Z) would keep all others from starting a server: that waits
  sigset_t stop, before;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTSTP);
  sigprocmask(SIG_BLOCK, &stop, &before);
  int lock = open_start_lock(place, problem, room);
  while (lock >= 0 && fd < 0 && !*problem) {
    if (flock(lock, LOCK_EX | LOCK_NB) == 0) {
      if (is_removed(lock)) {
        close(lock);
        lock = open_start_lock(place, problem, room);
        continue;
      }
      // another client may have started it meanwhile
      fd = try_connect(home, pid, problem, room);
      bool started = fd < 0 && !*problem && start_server(place, command, wait, end, &silent, problem, room);
      if (started) fd = try_connect(home, pid, problem, room);
      flock(lock, LOCK_UN);
    } else if (errno != EWOULDBLOCK && errno != EINTR) {
      fail(problem, room, "cannot lock", "start.lock");
      break;
    }
    if (fd >= 0 || *problem) break;
    if (os_steady_ms() > end)
      snprintf(problem, room, "no session server listens after %d s; see %s/server.log", START_MS / 1000, home);
    sigprocmask(SIG_SETMASK, &before, NULL);
    // one that is about to end still has its own lock: the next try finds it gone
    wait(-1, AGAIN_MS);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    fd = *problem ? -1 : try_connect(home, pid, problem, room);
  }
  if (lock >= 0) close(lock);
  sigprocmask(SIG_SETMASK, &before, NULL);
  return fd;
}
