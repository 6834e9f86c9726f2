// Descriptors that ride on the bytes of a Unix socket (SCM_RIGHTS).
#ifndef FALCON_PASSING_H
#define FALCON_PASSING_H

#include <string.h>

#include "system/os_calls.h"

// Descriptors that one message may carry.
enum { RIDERS_MOST = 16 };

union riders {
  struct cmsghdr header;
  char space[CMSG_SPACE(RIDERS_MOST * sizeof(int))];
};

// As send(2): how many bytes went. The descriptors ride on the first one.
static inline ssize_t send_passing(int fd, void *bytes, size_t length, const int *passed, size_t count) {
  struct iovec part = {bytes, length};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  union riders control;
  if (count > 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.space;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), passed, count * sizeof(int));
  }
  return os_sendmsg(fd, &message, MSG_NOSIGNAL);
}

// As recv(2), with the `count` descriptors that came along, which no program inherits and which are ours to
// close. `flags` answers those of recvmsg(2): MSG_CTRUNC says that some came for which none was to be had.
static inline ssize_t receive_passed(int fd, void *into, size_t room, int *flags, int passed[RIDERS_MOST], size_t *count) {
  struct iovec part = {into, room};
  union riders control;
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
  ssize_t length = os_recvmsg(fd, &message, MSG_CMSG_CLOEXEC | *flags);
  *flags = message.msg_flags;
  *count = 0;
  for (struct cmsghdr *header = length < 0 ? NULL : CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    *count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(passed, CMSG_DATA(header), *count * sizeof(int));
  }
  // macOS has no MSG_CMSG_CLOEXEC
  for (size_t i = 0; i < *count; i++) os_fcntl(passed[i], F_SETFD, FD_CLOEXEC);
  return length;
}

#endif
