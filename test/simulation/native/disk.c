// The disk of the simulation: a few files by their last name, which grow as far as there is room.
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

struct file *file_named(const char *name) {
  for (int i = 0; i < FILES; i++)
    if (world.files[i].used && world.files[i].linked && !strcmp(world.files[i].name, name)) return &world.files[i];
  return NULL;
}

int file_open(const char *name, int flags) {
  struct file *file = file_named(name);
  if (file && (flags & O_CREAT) && (flags & O_EXCL)) return errno = EEXIST, -1;
  if (!file && !(flags & O_CREAT)) return errno = ENOENT, -1;
  for (int i = 0; i < FILES && !file; i++) {
    if (world.files[i].used) continue;
    file = &world.files[i];
    *file = (struct file){.used = true, .linked = true, .inode = world.next_inode++};
    snprintf(file->name, sizeof file->name, "%s", name);
  }
  if (!file) return errno = ENOSPC, -1;
  if (flags & O_TRUNC) file->length = 0;
  struct object *object = object_new(REGULAR);
  object->file = (int)(file - world.files);
  return descriptor_add(object, 3);
}

int file_resize(struct file *file, size_t length) {
  if (length > file->room) {
    file->room = length * 2;
    file->bytes = realloc(file->bytes, file->room);
  }
  if (length > file->length) memset(file->bytes + file->length, 0, length - file->length);
  file->length = length;
  return 0;
}

ssize_t file_write(struct file *file, const void *bytes, size_t length, off_t at) {
  size_t end = (size_t)at + length;
  size_t grows = end > file->length ? end - file->length : 0;
  if (world.disk_left != NEVER && (int64_t)grows > world.disk_left) {
    size_t fits = (size_t)world.disk_left + (length - grows);
    if (fits == 0) return errno = ENOSPC, -1;
    length = fits;
    end = (size_t)at + length;
    grows = end > file->length ? end - file->length : 0;
  }
  if (world.disk_left != NEVER) world.disk_left -= (int64_t)grows;
  if (end > file->length) file_resize(file, end);
  memcpy(file->bytes + at, bytes, length);
  return (ssize_t)length;
}

ssize_t file_read(struct file *file, void *into, size_t room, off_t at) {
  if ((size_t)at >= file->length) return 0;
  if (room > file->length - (size_t)at) room = file->length - (size_t)at;
  memcpy(into, file->bytes + at, room);
  return (ssize_t)room;
}
