// Small files of text.
#ifndef FALCON_TEXT_H
#define FALCON_TEXT_H

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

// The beginning of a file, as far as there is room for it and a NUL; its length, or -1 with errno.
static inline ssize_t read_text(const char *path, char *text, size_t room) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return -1;
  size_t length = 0;
  for (ssize_t count; length < room - 1 && (count = read(fd, text + length, room - 1 - length)) > 0;) length += (size_t)count;
  close(fd);
  text[length] = 0;
  return (ssize_t)length;
}

#endif
