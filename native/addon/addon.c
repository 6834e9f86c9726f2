// sys.node, the addon for Node: Unix calls that Node lacks, and the registration of those of the *_addon.c
// files. Plain C on N-API 8; every failure is thrown as an Error with .code (ENOENT, EAGAIN, …).
// Long: small functions that have nothing in common but who calls them.
#include "addon/calls.h"
#include "addon/values.h"
#include "home/job.h"
#include "system/os.h"
#include "system/passing.h"
#include "filter/plain_text_scan.h"

#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <node_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

// ---- descriptors

static napi_value set_cloexec(napi_env env, napi_callback_info info) {
  napi_value a[1];
  int fd;
  if (!get_arguments(env, info, a, 1) || !get_int(env, a[0], &fd)) return NULL;
  int flags = fcntl(fd, F_GETFD);
  if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0) return throw_errno(env, "fcntl", NULL);
  return NULL;
}

static napi_value dup_fd(napi_env env, napi_callback_info info) {
  napi_value a[1];
  int fd;
  if (!get_arguments(env, info, a, 1) || !get_int(env, a[0], &fd)) return NULL;
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return throw_errno(env, "dup", NULL);
  return number(env, copy);
}

static napi_value close_fd(napi_env env, napi_callback_info info) {
  napi_value a[1];
  int fd;
  if (!get_arguments(env, info, a, 1) || !get_int(env, a[0], &fd)) return NULL;
  // EINTR: Linux has closed it all the same
  if (close(fd) < 0 && errno != EINTR) return throw_errno(env, "close", NULL);
  return NULL;
}

static napi_value write_some(napi_env env, napi_callback_info info) {
  napi_value a[3];
  int fd;
  int64_t offset;
  uint8_t *bytes;
  size_t length;
  if (!get_arguments(env, info, a, 3) || !get_int(env, a[0], &fd) || !get_bytes(env, a[1], &bytes, &length) ||
      !get_offset(env, a[2], &offset))
    return NULL;
  if (offset < 0 || (uint64_t)offset > length) return throw_type(env, "the offset lies outside the buffer");
  if ((size_t)offset == length) return number(env, 0);
  for (;;) {
    ssize_t written = write(fd, bytes + offset, length - (size_t)offset);
    if (written >= 0) return number(env, (double)written);
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return number(env, 0);
    return throw_errno(env, "write", NULL);
  }
}

// Throws what errno says, and closes the descriptor that it befell.
static napi_value throw_closing(napi_env env, int fd, const char *what, const char *path) {
  int error = errno;
  close(fd);
  errno = error;
  return throw_errno(env, what, path);
}

// ---- sockets

static napi_value connect_unix(napi_env env, napi_callback_info info) {
  napi_value a[1];
  char path[PATH_LIMIT];
  if (!get_arguments(env, info, a, 1) || !get_path(env, a[0], path)) return NULL;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  // Node 20 would cut a longer path silently and connect to something else
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return throw_errno(env, "connect", path);
  }
  memcpy(address.sun_path, path, strlen(path) + 1);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) return throw_errno(env, "socket", NULL);
  // never waits: a listener that does not accept answers EAGAIN
  os_set_own(fd);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) return throw_closing(env, fd, "connect", path);
  return number(env, fd);
}

// sendFds(socket, bytes, fds): how many bytes were sent. The descriptors ride on the first byte.
static napi_value send_fds(napi_env env, napi_callback_info info) {
  napi_value a[3];
  int fd, passed[RIDERS_MOST];
  uint8_t *bytes;
  size_t length;
  uint32_t count;
  if (!get_arguments(env, info, a, 3) || !get_int(env, a[0], &fd) || !get_bytes(env, a[1], &bytes, &length)) return NULL;
  if (napi_get_array_length(env, a[2], &count) != napi_ok) return throw_type(env, "an array of descriptors is expected");
  if (count > RIDERS_MOST) return throw_type(env, "too many descriptors");
  for (uint32_t i = 0; i < count; i++) {
    napi_value element;
    napi_get_element(env, a[2], i, &element);
    if (!get_int(env, element, &passed[i])) return NULL;
  }
  for (;;) {
    ssize_t sent = send_passing(fd, bytes, length, passed, count);
    if (sent >= 0) return number(env, (double)sent);
    if (errno != EINTR) return throw_errno(env, "sendmsg", NULL);
  }
}

static napi_value shutdown_writing(napi_env env, napi_callback_info info) {
  napi_value a[1];
  int fd;
  if (!get_arguments(env, info, a, 1) || !get_int(env, a[0], &fd)) return NULL;
  if (shutdown(fd, SHUT_WR) < 0) return throw_errno(env, "shutdown", NULL);
  return NULL;
}

// recvFds(socket, max): {data, fds}, or null when it would block; data of no bytes is the end. Throws EMFILE
// where descriptors came that could not be had: the bytes alone would look like a message without any.
static napi_value recv_fds(napi_env env, napi_callback_info info) {
  napi_value a[2];
  int fd, max, passed[RIDERS_MOST];
  size_t count;
  if (!get_arguments(env, info, a, 2) || !get_int(env, a[0], &fd) || !get_int(env, a[1], &max)) return NULL;
  if (max < 1 || max > 1 << 20) return throw_type(env, "max is 1 to 1048576");
  uint8_t *bytes = malloc((size_t)max);
  if (!bytes) {
    errno = ENOMEM;
    return throw_errno(env, "recvmsg", NULL);
  }
  ssize_t length;
  int flags;
  do {
    flags = MSG_DONTWAIT;
    length = receive_passed(fd, bytes, (size_t)max, &flags, passed, &count);
  } while (length < 0 && errno == EINTR);
  if (length >= 0 && (flags & MSG_CTRUNC)) {
    for (size_t i = 0; i < count; i++) close(passed[i]);
    length = -1;
    errno = EMFILE;
  }
  if (length < 0) {
    int error = errno;
    free(bytes);
    if (error == EAGAIN || error == EWOULDBLOCK) {
      napi_value nothing = NULL;
      napi_get_null(env, &nothing);
      return nothing;
    }
    errno = error;
    return throw_errno(env, "recvmsg", NULL);
  }
  napi_value result = object(env), data = NULL, fds = NULL;
  napi_create_buffer_copy(env, (size_t)length, bytes, NULL, &data);
  free(bytes);
  napi_create_array(env, &fds);
  for (size_t i = 0; i < count; i++) napi_set_element(env, fds, (uint32_t)i, number(env, passed[i]));
  set(env, result, "data", data);
  set(env, result, "fds", fds);
  return result;
}

static napi_value peer_credentials(napi_env env, napi_callback_info info) {
  napi_value a[1];
  int fd;
  uid_t uid;
  pid_t pid;
  if (!get_arguments(env, info, a, 1) || !get_int(env, a[0], &fd)) return NULL;
  if (os_peer(fd, &uid, &pid) < 0) return throw_errno(env, "peer credentials", NULL);
  napi_value result = object(env);
  set(env, result, "uid", number(env, uid));
  set(env, result, "pid", number(env, pid));
  return result;
}

// ---- files

// tryLock(path): a descriptor that holds the lock until it is closed or the process ends; -1 when another
// process holds it.
static napi_value try_lock(napi_env env, napi_callback_info info) {
  napi_value a[1];
  char path[PATH_LIMIT];
  if (!get_arguments(env, info, a, 1) || !get_path(env, a[0], path)) return NULL;
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return throw_errno(env, "open", path);
  if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
    if (errno != EWOULDBLOCK) return throw_closing(env, fd, "flock", path);
    close(fd);
    return number(env, -1);
  }
  return number(env, fd);
}

// punchHole(fd, offset, length): false where the file system cannot.
static napi_value punch_hole(napi_env env, napi_callback_info info) {
  napi_value a[3];
  int fd;
  int64_t offset, length;
  if (!get_arguments(env, info, a, 3) || !get_int(env, a[0], &fd)) return NULL;
  if (!get_offset(env, a[1], &offset) || !get_offset(env, a[2], &length)) return NULL;
  if (os_punch_hole(fd, (off_t)offset, (off_t)length) == 0) return boolean(env, true);
  if (errno == EOPNOTSUPP || errno == ENOSYS || errno == ENOTSUP) return boolean(env, false);
  return throw_errno(env, "punch hole", NULL);
}

static napi_value first_data(napi_env env, napi_callback_info info) {
  napi_value a[2];
  int fd;
  int64_t from;
  if (!get_arguments(env, info, a, 2) || !get_int(env, a[0], &fd) || !get_offset(env, a[1], &from)) return NULL;
  return number(env, (double)os_first_data(fd, (off_t)from));
}

static napi_value on_network(napi_env env, napi_callback_info info) {
  napi_value a[1];
  char path[PATH_LIMIT];
  if (!get_arguments(env, info, a, 1) || !get_path(env, a[0], path)) return NULL;
  int found = os_on_network(path);
  return found < 0 ? throw_errno(env, "statfs", path) : boolean(env, found);
}

// ---- terminals

// Asked of the master, the mode is the program's side: what the program has set. One number, because each key
// asks: 1 canonical, 2 echo, 4 signals, and the interrupt character above the lowest eight bits.
static napi_value line_mode(napi_env env, napi_callback_info info) {
  napi_value a[1];
  int fd;
  struct termios mode;
  if (!get_arguments(env, info, a, 1) || !get_int(env, a[0], &fd)) return NULL;
  if (tcgetattr(fd, &mode) < 0) return throw_errno(env, "tcgetattr", NULL);
  int flags = (mode.c_lflag & ICANON ? 1 : 0) | (mode.c_lflag & ISIG ? 4 : 0);
  return number(env, flags | mode.c_cc[VINTR] << 8);
}

static napi_value set_window_size(napi_env env, napi_callback_info info) {
  napi_value a[3];
  int fd, cols, rows;
  if (!get_arguments(env, info, a, 3) || !get_int(env, a[0], &fd)) return NULL;
  if (!get_int(env, a[1], &cols) || !get_int(env, a[2], &rows)) return NULL;
  if (cols < 1 || rows < 1 || cols > 65535 || rows > 65535) return throw_type(env, "a size is 1 to 65535");
  struct winsize size = {.ws_col = (unsigned short)cols, .ws_row = (unsigned short)rows};
  if (ioctl(fd, TIOCSWINSZ, &size) < 0) return throw_errno(env, "TIOCSWINSZ", NULL);
  return NULL;
}

static napi_value interrupt_terminal(napi_env env, napi_callback_info info) {
  napi_value a[1];
  int fd;
  if (!get_arguments(env, info, a, 1) || !get_int(env, a[0], &fd)) return NULL;
  if (ioctl(fd, TIOCSIG, SIGINT) < 0) return throw_errno(env, "TIOCSIG", NULL);
  return NULL;
}

// Gives memory that was freed back to the system. glibc keeps it where small blocks that are still used lie
// in between: after a screen with 10,000 lines has gone that is all of it. Elsewhere nothing is to be done.
static napi_value trim_memory(napi_env env, napi_callback_info info) {
  (void)env;
  (void)info;
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  return NULL;
}

// Writes what plain_text_scan() found into the three numbers of an Uint32Array.
static napi_value find_plain_text(napi_env env, napi_callback_info info) {
  napi_value a[2];
  uint8_t *bytes;
  size_t length, numbers;
  napi_typedarray_type type;
  void *into;
  if (!get_arguments(env, info, a, 2) || !get_bytes(env, a[0], &bytes, &length)) return NULL;
  napi_status known = napi_get_typedarray_info(env, a[1], &type, &numbers, &into, NULL, NULL);
  if (known != napi_ok || type != napi_uint32_array || numbers != 3)
    return throw_type(env, "an Uint32Array of three numbers is expected");
  struct plain_text_scan part = plain_text_scan(bytes, length);
  uint32_t *result = into;
  result[0] = (uint32_t)part.length;
  result[1] = (uint32_t)part.line_feeds;
  result[2] = (uint32_t)part.attributes;
  return NULL;
}

// The batch job of a text of /proc/PID/cgroup, as the name of its home; null where there is none.
static napi_value job_of(napi_env env, napi_callback_info info) {
  napi_value a[1], result;
  char text[16384], name[JOB_LONGEST + 1];
  size_t length;
  if (!get_arguments(env, info, a, 1)) return NULL;
  if (napi_get_value_string_utf8(env, a[0], text, sizeof text, &length) != napi_ok) return throw_type(env, "a text is expected");
  if (job_of_text(text, name)) napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &result);
  else napi_get_null(env, &result);
  return result;
}

NAPI_MODULE_INIT() {
  static const struct {
    const char *name;
    napi_callback call;
  } calls[] = {
      {"setCloexec", set_cloexec}, {"dup", dup_fd},           {"close", close_fd},
      {"writeSome", write_some},   {"connectUnix", connect_unix}, {"sendFds", send_fds},
      {"shutdownWriting", shutdown_writing}, {"recvFds", recv_fds}, {"peerCredentials", peer_credentials},
      {"tryLock", try_lock},
      {"punchHole", punch_hole},   {"firstData", first_data}, {"onNetwork", on_network}, {"lineMode", line_mode},
      {"setWindowSize", set_window_size}, {"interruptTerminal", interrupt_terminal}, {"trimMemory", trim_memory},
      {"jobOf", job_of}, {"scanPlainText", find_plain_text},
      {"createFilter", create_filter}, {"feedFilter", feed_filter}, {"takeAsked", take_asked}, {"modeRules", list_mode_rules},
      {"openFolder", open_folder}, {"openFolderAt", open_folder_at}, {"lockFolder", lock_folder},
      {"entryAt", entry_at},       {"entryOf", entry_of},  {"namesIn", names_in}, {"unlinkAt", unlink_at},
      {"machineOfHome", machine_of_home_call}, {"claimHome", claim_home},
      {"resourceLimits", resource_limits}, {"raiseLimit", raise_limit},
      {"scheduling", scheduling},  {"couldTake", could_take}, {"roomFor", room_for}, {"sampleUsage", sample_usage},
  };
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    napi_value function;
    if (napi_create_function(env, calls[i].name, NAPI_AUTO_LENGTH, calls[i].call, NULL, &function) != napi_ok) return NULL;
    napi_set_named_property(env, exports, calls[i].name, function);
  }
  return exports;
}
