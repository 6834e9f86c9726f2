// Looks at several files in one trip to libuv's pool, where Node makes four for each (stat, open, read, close): a watched run is looked at every second.
#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// What was added to a file is read here up to this length (bytes): some hundred lines of a log. Its reader takes longer pieces in its own way.
enum { READ_LIMIT = 64 << 10 };

struct file {
  char *path;
  // Where to read from, and the size up to which nothing of it is new.
  double from, known;
  // What was found. error: an errno, or 0.
  int error;
  bool regular;
  double inode, size, modified;
  char *bytes;
  size_t length;
};

struct looking {
  napi_async_work work;
  napi_deferred deferred;
  uint32_t count;
  struct file files[];
};

static void keep_stat(struct file *file, const struct stat *stat) {
#ifdef __APPLE__
  const struct timespec *time = &stat->st_mtimespec;
#else
  const struct timespec *time = &stat->st_mtim;
#endif
  file->regular = S_ISREG(stat->st_mode);
  file->inode = (double)stat->st_ino;
  file->size = (double)stat->st_size;
  file->modified = (double)time->tv_sec * 1e3 + (double)time->tv_nsec / 1e6;
}

// Reads what is new. Whatever fails here leaves `bytes` unset: the stat alone is an answer too.
static void read_news(struct file *file) {
  int fd = open(file->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return;
  struct stat stat;
  // asked again: the file may have been replaced since
  if (fstat(fd, &stat) == 0) keep_stat(file, &stat);
  double length = file->size - file->from;
  if (file->regular && length > 0 && length <= READ_LIMIT && (file->bytes = malloc((size_t)length)) != NULL) {
    ssize_t got;
    while (file->length < (size_t)length) {
      got = pread(fd, file->bytes + file->length, (size_t)length - file->length, (off_t)file->from + (off_t)file->length);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      file->length += (size_t)got;
    }
  }
  close(fd);
}

static void execute(napi_env env, void *data) {
  (void)env;
  struct looking *looking = data;
  for (uint32_t i = 0; i < looking->count; i++) {
    struct file *file = &looking->files[i];
    struct stat found;
    if (file->error) continue;
    if (stat(file->path, &found) < 0) {
      file->error = errno;
      continue;
    }
    keep_stat(file, &found);
    // opened only where there is something to read: what opens a named pipe would wait
    if (file->regular && file->size > file->known) read_news(file);
  }
}

static napi_value number(napi_env env, double value) {
  napi_value result = NULL;
  napi_create_double(env, value, &result);
  return result;
}

static napi_value seen(napi_env env, const struct file *file) {
  napi_value result = NULL, regular = NULL, bytes = NULL;
  napi_create_object(env, &result);
  napi_get_boolean(env, file->regular, &regular);
  if (file->bytes) napi_create_buffer_copy(env, file->length, file->bytes, NULL, &bytes);
  else napi_get_undefined(env, &bytes);
  napi_set_named_property(env, result, "error", number(env, file->error));
  napi_set_named_property(env, result, "regular", regular);
  napi_set_named_property(env, result, "inode", number(env, file->inode));
  napi_set_named_property(env, result, "size", number(env, file->size));
  napi_set_named_property(env, result, "modified", number(env, file->modified));
  napi_set_named_property(env, result, "bytes", bytes);
  return result;
}

static void release(struct looking *looking) {
  for (uint32_t i = 0; i < looking->count; i++) {
    free(looking->files[i].path);
    free(looking->files[i].bytes);
  }
  free(looking);
}

static void complete(napi_env env, napi_status status, void *data) {
  struct looking *looking = data;
  napi_value result = NULL;
  napi_create_array_with_length(env, looking->count, &result);
  // cancelled only when this thread ends: nobody waits for the answer then
  if (status == napi_ok)
    for (uint32_t i = 0; i < looking->count; i++) napi_set_element(env, result, i, seen(env, &looking->files[i]));
  napi_resolve_deferred(env, looking->deferred, result);
  napi_delete_async_work(env, looking->work);
  release(looking);
}

// One element of `files`: {file, from, known}; false where it is not of that shape.
static bool take_file(napi_env env, napi_value wanted, struct file *file) {
  napi_value path, from, known;
  size_t length;
  if (napi_get_named_property(env, wanted, "file", &path) != napi_ok || napi_get_named_property(env, wanted, "from", &from) != napi_ok ||
      napi_get_named_property(env, wanted, "known", &known) != napi_ok || napi_get_value_double(env, from, &file->from) != napi_ok ||
      napi_get_value_double(env, known, &file->known) != napi_ok || file->from < 0 ||
      napi_get_value_string_utf8(env, path, NULL, 0, &length) != napi_ok || (file->path = malloc(length + 1)) == NULL)
    return false;
  if (napi_get_value_string_utf8(env, path, file->path, length + 1, &length) != napi_ok) return false;
  // a name with a NUL in it: no file has such a one
  if (strlen(file->path) != length) file->error = EINVAL;
  return true;
}

napi_value look(napi_env env, napi_callback_info info) {
  napi_value files, promise = NULL, name;
  size_t given = 1;
  uint32_t count;
  if (napi_get_cb_info(env, info, &given, &files, NULL, NULL) != napi_ok || given < 1 || napi_get_array_length(env, files, &count) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "an array of files is expected");
    return NULL;
  }
  struct looking *looking = calloc(1, sizeof *looking + count * sizeof looking->files[0]);
  if (!looking) {
    napi_throw_error(env, "ENOMEM", "ENOMEM: no memory to look at files");
    return NULL;
  }
  looking->count = count;
  for (uint32_t i = 0; i < count; i++) {
    napi_value wanted;
    if (napi_get_element(env, files, i, &wanted) == napi_ok && take_file(env, wanted, &looking->files[i])) continue;
    release(looking);
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "a file to look at is {file, from, known}");
    return NULL;
  }
  if (napi_create_promise(env, &looking->deferred, &promise) != napi_ok ||
      napi_create_string_utf8(env, "look", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_async_work(env, NULL, name, execute, complete, looking, &looking->work) != napi_ok ||
      napi_queue_async_work(env, looking->work) != napi_ok) {
    release(looking);
    napi_throw_error(env, "EAGAIN", "EAGAIN: the files could not be looked at");
    return NULL;
  }
  return promise;
}
