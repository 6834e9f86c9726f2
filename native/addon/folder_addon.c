// See folder_addon.h. Names are bytes, which JavaScript has as latin1: any name comes back as it was.
#include "addon/folder_addon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *code_of(int error) {
  switch (error) {
    case ENOENT: return "ENOENT";
    case EACCES: return "EACCES";
    case EPERM: return "EPERM";
    case ELOOP: return "ELOOP";
    case ENOTDIR: return "ENOTDIR";
    case EISDIR: return "EISDIR";
    case ENOTEMPTY: return "ENOTEMPTY";
    case EROFS: return "EROFS";
    case EMFILE: return "EMFILE";
    default: return "EIO";
  }
}

static napi_value fail(napi_env env, const char *what) {
  char text[256];
  int error = errno;
  snprintf(text, sizeof text, "%s: %s", what, strerror(error));
  napi_throw_error(env, code_of(error), text);
  return NULL;
}

static bool get(napi_env env, napi_callback_info info, napi_value *values, size_t count) {
  size_t given = count;
  if (napi_get_cb_info(env, info, &given, values, NULL, NULL) == napi_ok && given >= count) return true;
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "too few arguments");
  return false;
}

static bool get_fd(napi_env env, napi_value value, int *fd) {
  if (napi_get_value_int32(env, value, fd) == napi_ok) return true;
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "a descriptor is expected");
  return false;
}

// One name: no path that leads elsewhere.
static bool get_name(napi_env env, napi_value value, char name[NAME_MAX + 1]) {
  size_t length;
  if (napi_get_value_string_latin1(env, value, name, NAME_MAX + 1, &length) == napi_ok && length > 0 && length < NAME_MAX &&
      !memchr(name, '/', length) && !memchr(name, 0, length) && strcmp(name, ".") && strcmp(name, ".."))
    return true;
  napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", "the name of an entry is expected");
  return false;
}

static napi_value number(napi_env env, double value) {
  napi_value result = NULL;
  napi_create_double(env, value, &result);
  return result;
}

static napi_value opened(napi_env env, int above, const char *name) {
  int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? fail(env, "a folder cannot be opened") : number(env, fd);
}

napi_value open_folder(napi_env env, napi_callback_info info) {
  napi_value values[1];
  char path[PATH_MAX];
  size_t length;
  if (!get(env, info, values, 1)) return NULL;
  if (napi_get_value_string_utf8(env, values[0], path, sizeof path, &length) != napi_ok || length + 1 >= sizeof path || memchr(path, 0, length)) {
    errno = ENOENT;
    return fail(env, "no path");
  }
  return opened(env, AT_FDCWD, path);
}

napi_value open_folder_at(napi_env env, napi_callback_info info) {
  napi_value values[2];
  char name[NAME_MAX + 1];
  int fd;
  if (!get(env, info, values, 2) || !get_fd(env, values[0], &fd) || !get_name(env, values[1], name)) return NULL;
  return opened(env, fd, name);
}

// False when another process has it. A file system that locks no folders (some network ones) says so too:
// then the lock's file alone counts.
napi_value lock_folder(napi_env env, napi_callback_info info) {
  napi_value values[1], result = NULL;
  int fd;
  if (!get(env, info, values, 1) || !get_fd(env, values[0], &fd)) return NULL;
  napi_get_boolean(env, flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK, &result);
  return result;
}

static napi_value entry(napi_env env, const struct stat *status) {
  napi_value result = NULL, kind = NULL;
  const char *word = S_ISREG(status->st_mode)    ? "file"
                     : S_ISDIR(status->st_mode)  ? "folder"
                     : S_ISLNK(status->st_mode)  ? "link"
                     : S_ISSOCK(status->st_mode) ? "socket"
                                                 : "other";
  napi_create_object(env, &result);
  napi_create_string_utf8(env, word, NAPI_AUTO_LENGTH, &kind);
  napi_set_named_property(env, result, "kind", kind);
  napi_set_named_property(env, result, "uid", number(env, status->st_uid));
  napi_set_named_property(env, result, "mode", number(env, status->st_mode & 07777));
  napi_set_named_property(env, result, "inode", number(env, (double)status->st_ino));
  napi_set_named_property(env, result, "device", number(env, (double)status->st_dev));
  return result;
}

napi_value entry_at(napi_env env, napi_callback_info info) {
  napi_value values[2];
  char name[NAME_MAX + 1];
  int fd;
  struct stat status;
  if (!get(env, info, values, 2) || !get_fd(env, values[0], &fd) || !get_name(env, values[1], name)) return NULL;
  return fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ? fail(env, "an entry cannot be looked at") : entry(env, &status);
}

napi_value entry_of(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd;
  struct stat status;
  if (!get(env, info, values, 1) || !get_fd(env, values[0], &fd)) return NULL;
  return fstat(fd, &status) < 0 ? fail(env, "a descriptor cannot be looked at") : entry(env, &status);
}

napi_value names_in(napi_env env, napi_callback_info info) {
  napi_value values[1], list = NULL;
  int fd;
  uint32_t count = 0;
  if (!get(env, info, values, 1) || !get_fd(env, values[0], &fd)) return NULL;
  // a description of its own: reading moves its place
  int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *folder = own < 0 ? NULL : fdopendir(own);
  if (!folder) {
    if (own >= 0) close(own);
    return fail(env, "a folder cannot be read");
  }
  napi_create_array(env, &list);
  for (struct dirent *found; (found = readdir(folder));) {
    napi_value name = NULL;
    if (!strcmp(found->d_name, ".") || !strcmp(found->d_name, "..")) continue;
    napi_create_string_latin1(env, found->d_name, NAPI_AUTO_LENGTH, &name);
    napi_set_element(env, list, count++, name);
  }
  closedir(folder);
  return list;
}

napi_value unlink_at(napi_env env, napi_callback_info info) {
  napi_value values[3];
  char name[NAME_MAX + 1];
  int fd;
  bool is_folder;
  if (!get(env, info, values, 3) || !get_fd(env, values[0], &fd) || !get_name(env, values[1], name)) return NULL;
  if (napi_get_value_bool(env, values[2], &is_folder) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "a boolean is expected");
    return NULL;
  }
  return unlinkat(fd, name, is_folder ? AT_REMOVEDIR : 0) < 0 && errno != ENOENT ? fail(env, "an entry cannot be removed") : NULL;
}
