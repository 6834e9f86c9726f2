// An empty folder on a file system that another process serves, as sshfs and the like do it: `fuse-folder
// DIRECTORY` mounts it there, prints "ready", and serves it until it is unmounted (or its mount namespace is
// gone). Whatever is looked up in it is not there.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int device;

static void reply(const struct fuse_in_header *to, int error, const void *body, size_t length) {
  struct fuse_out_header head = {.len = (uint32_t)(sizeof head + (error ? 0 : length)), .error = -error, .unique = to->unique};
  struct iovec parts[] = {{&head, sizeof head}, {(void *)body, error ? 0 : length}};
  if (writev(device, parts, 2) < 0) return;  // the one who asked is gone
}

static void answer(const struct fuse_in_header *asked, const void *body) {
  struct fuse_attr_out attributes = {.attr = {.ino = FUSE_ROOT_ID, .mode = S_IFDIR | 0700, .nlink = 2, .uid = getuid(), .gid = getgid()}};
  struct fuse_statfs_out space = {.st = {.blocks = 1 << 30, .bfree = 1 << 29, .bavail = 1 << 29, .files = 1 << 20, .ffree = 1 << 19, .bsize = 4096, .frsize = 4096, .namelen = 255}};
  struct fuse_init_out hello = {.major = FUSE_KERNEL_VERSION, .max_write = 4096};
  switch (asked->opcode) {
    case FUSE_INIT:
      hello.minor = ((const struct fuse_init_in *)body)->minor < 31 ? ((const struct fuse_init_in *)body)->minor : 31;
      reply(asked, 0, &hello, sizeof hello);
      return;
    case FUSE_GETATTR:
      reply(asked, 0, &attributes, sizeof attributes);
      return;
    case FUSE_STATFS:
      reply(asked, 0, &space, sizeof space);
      return;
    case FUSE_LOOKUP:
      reply(asked, ENOENT, NULL, 0);
      return;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
      return;
    case FUSE_MKDIR:
    case FUSE_CREATE:
    case FUSE_MKNOD:
    case FUSE_SYMLINK:
      reply(asked, EROFS, NULL, 0);
      return;
    default:
      reply(asked, ENOSYS, NULL, 0);
  }
}

int main(int count, char **arguments) {
  static char request[FUSE_MIN_READ_BUFFER + (1 << 17)];
  char options[100];
  if (count != 2 || (device = open("/dev/fuse", O_RDWR | O_CLOEXEC)) < 0) return 1;
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%u,group_id=%u", device, getuid(), getgid());
  if (mount("fuse-folder", arguments[1], "fuse", MS_NOSUID | MS_NODEV, options) < 0) return 1;
  puts("ready");
  fclose(stdout);
  for (;;) {
    ssize_t length = read(device, request, sizeof request);
    if (length >= (ssize_t)sizeof(struct fuse_in_header)) {
      answer((struct fuse_in_header *)request, request + sizeof(struct fuse_in_header));
    } else if (length < 0 && errno != EINTR && errno != EAGAIN && errno != ENOENT) return 0;
  }
}
