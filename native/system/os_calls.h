// The calls of the system that client and holder make. In their programs each is the system's own. A build
// with OS_PLAYED takes them from whoever plays the system, so that both run as they are on a clock, a disk
// and sockets that are not real (test/simulation).
#ifndef FALCON_OS_CALLS_H
#define FALCON_OS_CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

// macOS has neither; SIGPIPE is ignored wherever we send.
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif
#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0
#endif

#ifdef OS_PLAYED
#define OS_CALL(type, name, parameters, arguments) type os_##name parameters;
_Noreturn void os_exit(int status);
void os_signal(int number, void (*action)(int));
#else
#define OS_CALL(type, name, parameters, arguments) \
  static inline type os_##name parameters { return name arguments; }
_Noreturn static inline void os_exit(int status) { _exit(status); }
static inline void os_signal(int number, void (*action)(int)) { signal(number, action); }
#endif

// Time and waiting.
OS_CALL(int, poll, (struct pollfd * slots, nfds_t count, int ms), (slots, count, ms))
OS_CALL(int, clock_gettime, (clockid_t id, struct timespec *time), (id, time))

// Descriptors.
OS_CALL(ssize_t, read, (int fd, void *into, size_t room), (fd, into, room))
OS_CALL(ssize_t, write, (int fd, const void *bytes, size_t length), (fd, bytes, length))
OS_CALL(int, close, (int fd), (fd))
OS_CALL(int, fcntl, (int fd, int command, int value), (fd, command, value))
OS_CALL(int, pipe, (int ends[2]), (ends))
OS_CALL(int, dup2, (int from, int to), (from, to))

// Files.
OS_CALL(int, open, (const char *path, int flags, mode_t mode), (path, flags, mode))
OS_CALL(ssize_t, pread, (int fd, void *into, size_t room, off_t at), (fd, into, room, at))
OS_CALL(ssize_t, pwrite, (int fd, const void *bytes, size_t length, off_t at), (fd, bytes, length, at))
OS_CALL(off_t, lseek, (int fd, off_t offset, int whence), (fd, offset, whence))
OS_CALL(int, ftruncate, (int fd, off_t length), (fd, length))
OS_CALL(int, flock, (int fd, int operation), (fd, operation))
OS_CALL(int, stat, (const char *path, struct stat *found), (path, found))
OS_CALL(int, fstat, (int fd, struct stat *found), (fd, found))
OS_CALL(int, mkdir, (const char *path, mode_t mode), (path, mode))
OS_CALL(int, unlink, (const char *path), (path))
OS_CALL(int, rename, (const char *from, const char *to), (from, to))
OS_CALL(int, chdir, (const char *path), (path))
OS_CALL(char *, getcwd, (char *path, size_t room), (path, room))
OS_CALL(mode_t, umask, (mode_t mask), (mask))

// Sockets.
OS_CALL(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
OS_CALL(int, bind, (int fd, const struct sockaddr *address, socklen_t length), (fd, address, length))
OS_CALL(int, listen, (int fd, int backlog), (fd, backlog))
OS_CALL(int, accept, (int fd, struct sockaddr *address, socklen_t *length), (fd, address, length))
OS_CALL(ssize_t, recv, (int fd, void *into, size_t room, int flags), (fd, into, room, flags))
OS_CALL(ssize_t, send, (int fd, const void *bytes, size_t length, int flags), (fd, bytes, length, flags))
OS_CALL(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags))
OS_CALL(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
OS_CALL(int, shutdown, (int fd, int how), (fd, how))

// Terminals.
OS_CALL(int, isatty, (int fd), (fd))
OS_CALL(int, ioctl, (int fd, unsigned long request, void *with), (fd, request, with))
OS_CALL(int, tcgetattr, (int fd, struct termios *mode), (fd, mode))
OS_CALL(int, tcsetattr, (int fd, int when, const struct termios *mode), (fd, when, mode))
OS_CALL(int, tcflow, (int fd, int action), (fd, action))
OS_CALL(pid_t, tcgetpgrp, (int fd), (fd))
OS_CALL(char *, ttyname, (int fd), (fd))

// Processes, and what they inherit.
OS_CALL(pid_t, getpid, (void), ())
OS_CALL(pid_t, getpgrp, (void), ())
OS_CALL(pid_t, getsid, (pid_t pid), (pid))
OS_CALL(uid_t, geteuid, (void), ())
OS_CALL(int, execv, (const char *path, char *const words[]), (path, words))
OS_CALL(int, raise, (int number), (number))
OS_CALL(int, sigaction, (int number, const struct sigaction *action, struct sigaction *old), (number, action, old))
OS_CALL(int, sigprocmask, (int how, const sigset_t *set, sigset_t *old), (how, set, old))
OS_CALL(int, getpriority, (int which, id_t who), (which, who))
OS_CALL(int, getrlimit, (int resource, struct rlimit *limit), (resource, limit))

#undef OS_CALL

// Whether the call that has just failed was only too early, or interrupted.
static inline bool os_was_early(void) { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// Makes a descriptor ours alone: it never waits, and no program inherits it.
static inline void os_set_own(int fd) {
  os_fcntl(fd, F_SETFL, os_fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
  os_fcntl(fd, F_SETFD, FD_CLOEXEC);
}

#endif
