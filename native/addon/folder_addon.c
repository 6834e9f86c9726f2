// The part of sys.node that works in a folder by its descriptor. Names are bytes, which JavaScript has as
// latin1: any name comes back as it was.
#include "addon/calls.h"
#include "addon/values.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

// Room for the longest name and one byte more, by which a longer one is known.
enum { NAME_ROOM = NAME_MAX + 2 };

// One name: no path that leads elsewhere.
static bool get_name(napi_env env, napi_value value, char name[NAME_ROOM]) {
  size_t length;
  if (napi_get_value_string_latin1(env, value, name, NAME_ROOM, &length) == napi_ok && length > 0 && length <= NAME_MAX &&
      !memchr(name, '/', length) && !memchr(name, 0, length) && strcmp(name, ".") && strcmp(name, ".."))
    return true;
  napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", "the name of an entry is expected");
  return false;
}

static napi_value opened(napi_env env, int above, const char *name) {
  int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? throw_errno(env, "a folder cannot be opened", NULL) : number(env, fd);
}

napi_value open_folder(napi_env env, napi_callback_info info) {
  napi_value values[1];
  char path[PATH_LIMIT];
  if (!get_arguments(env, info, values, 1) || !get_path(env, values[0], path)) return NULL;
  return opened(env, AT_FDCWD, path);
}

napi_value open_folder_at(napi_env env, napi_callback_info info) {
  napi_value values[2];
  char name[NAME_ROOM];
  int fd;
  if (!get_arguments(env, info, values, 2) || !get_int(env, values[0], &fd) || !get_name(env, values[1], name)) return NULL;
  return opened(env, fd, name);
}

// False when another process has it. A file system that locks no folders (some network ones) says so too:
// then the lock's file alone counts.
napi_value lock_folder(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd;
  if (!get_arguments(env, info, values, 1) || !get_int(env, values[0], &fd)) return NULL;
  return boolean(env, flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK);
}

static napi_value entry(napi_env env, const struct stat *status) {
  napi_value result = object(env);
  const char *word = S_ISREG(status->st_mode)    ? "file"
                     : S_ISDIR(status->st_mode)  ? "folder"
                     : S_ISLNK(status->st_mode)  ? "link"
                     : S_ISSOCK(status->st_mode) ? "socket"
                                                 : "other";
  set_text(env, result, "kind", word);
  set(env, result, "uid", number(env, status->st_uid));
  set(env, result, "mode", number(env, status->st_mode & 07777));
  set(env, result, "inode", number(env, (double)status->st_ino));
  set(env, result, "device", number(env, (double)status->st_dev));
  return result;
}

napi_value entry_at(napi_env env, napi_callback_info info) {
  napi_value values[2];
  char name[NAME_ROOM];
  int fd;
  struct stat status;
  if (!get_arguments(env, info, values, 2) || !get_int(env, values[0], &fd) || !get_name(env, values[1], name)) return NULL;
  if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0) return throw_errno(env, "an entry cannot be looked at", NULL);
  return entry(env, &status);
}

napi_value entry_of(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd;
  struct stat status;
  if (!get_arguments(env, info, values, 1) || !get_int(env, values[0], &fd)) return NULL;
  return fstat(fd, &status) < 0 ? throw_errno(env, "a descriptor cannot be looked at", NULL) : entry(env, &status);
}

napi_value names_in(napi_env env, napi_callback_info info) {
  napi_value values[1], list = NULL;
  int fd;
  uint32_t count = 0;
  if (!get_arguments(env, info, values, 1) || !get_int(env, values[0], &fd)) return NULL;
  // a description of its own: reading moves its place
  int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *folder = own < 0 ? NULL : fdopendir(own);
  if (!folder) {
    if (own >= 0) close(own);
    return throw_errno(env, "a folder cannot be read", NULL);
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
  char name[NAME_ROOM];
  int fd;
  bool is_folder;
  if (!get_arguments(env, info, values, 3) || !get_int(env, values[0], &fd) || !get_name(env, values[1], name)) return NULL;
  if (napi_get_value_bool(env, values[2], &is_folder) != napi_ok) return throw_type(env, "a boolean is expected");
  bool removed = unlinkat(fd, name, is_folder ? AT_REMOVEDIR : 0) == 0 || errno == ENOENT;
  return removed ? NULL : throw_errno(env, "an entry cannot be removed", NULL);
}
