// Values of JavaScript for the calls of sys.node: arguments that are checked, results, and failures, which
// are thrown as an Error with .code (ENOENT, EAGAIN, …).
#ifndef FALCON_VALUES_H
#define FALCON_VALUES_H

#include <errno.h>
#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { PATH_LIMIT = 4096 };

// The symbolic names of the errors that these calls are known to give; others are thrown with their number.
static inline const char *error_name(int error) {
  static const struct {
    int number;
    const char *name;
  } names[] = {
      {EPERM, "EPERM"},       {ENOENT, "ENOENT"},         {EINTR, "EINTR"},         {EIO, "EIO"},
      {EBADF, "EBADF"},       {EAGAIN, "EAGAIN"},         {ENOMEM, "ENOMEM"},       {EACCES, "EACCES"},
      {EEXIST, "EEXIST"},     {ENOTDIR, "ENOTDIR"},       {EINVAL, "EINVAL"},       {EMFILE, "EMFILE"},
      {ENFILE, "ENFILE"},     {ENOTTY, "ENOTTY"},         {EFBIG, "EFBIG"},         {ENOSPC, "ENOSPC"},
      {EROFS, "EROFS"},       {EPIPE, "EPIPE"},           {ELOOP, "ELOOP"},         {ENOTSOCK, "ENOTSOCK"},
      {ENOSYS, "ENOSYS"},     {ECONNREFUSED, "ECONNREFUSED"}, {ECONNRESET, "ECONNRESET"}, {ENOTCONN, "ENOTCONN"},
      {ETIMEDOUT, "ETIMEDOUT"}, {ENAMETOOLONG, "ENAMETOOLONG"}, {EOPNOTSUPP, "EOPNOTSUPP"}, {EINPROGRESS, "EINPROGRESS"},
      {EDQUOT, "EDQUOT"},     {EPROTOTYPE, "EPROTOTYPE"}, {ENXIO, "ENXIO"},         {ETOOMANYREFS, "ETOOMANYREFS"},
      {EISDIR, "EISDIR"},     {ENOTEMPTY, "ENOTEMPTY"},
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].number == error) return names[i].name;
  static char other[16];
  snprintf(other, sizeof other, "E%d", error);
  return other;
}

static inline napi_value throw_errno(napi_env env, const char *call, const char *detail) {
  int error = errno;
  char text[PATH_LIMIT + 256];
  const char *gap = detail ? " " : "";
  snprintf(text, sizeof text, "%s: %s, %s%s%s", error_name(error), strerror(error), call, gap, detail ? detail : "");
  napi_throw_error(env, error_name(error), text);
  return NULL;
}

static inline napi_value throw_type(napi_env env, const char *text) {
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", text);
  return NULL;
}

// Reads the arguments of a call into `values`; false (and thrown) when there are fewer than `count`.
static inline bool get_arguments(napi_env env, napi_callback_info info, napi_value *values, size_t count) {
  size_t given = count;
  if (napi_get_cb_info(env, info, &given, values, NULL, NULL) == napi_ok && given >= count) return true;
  throw_type(env, "too few arguments");
  return false;
}

static inline bool get_int(napi_env env, napi_value value, int *result) {
  if (napi_get_value_int32(env, value, result) == napi_ok) return true;
  throw_type(env, "a number is expected");
  return false;
}

static inline bool get_offset(napi_env env, napi_value value, int64_t *result) {
  if (napi_get_value_int64(env, value, result) == napi_ok) return true;
  throw_type(env, "a number is expected");
  return false;
}

static inline bool get_path(napi_env env, napi_value value, char path[PATH_LIMIT]) {
  size_t length;
  if (napi_get_value_string_utf8(env, value, path, PATH_LIMIT, &length) != napi_ok) {
    throw_type(env, "a path is expected");
    return false;
  }
  if (length == 0 || length + 1 >= PATH_LIMIT || memchr(path, 0, length)) {
    errno = length + 1 >= PATH_LIMIT ? ENAMETOOLONG : EINVAL;
    throw_errno(env, "path", NULL);
    return false;
  }
  return true;
}

// A Buffer or any other Uint8Array.
static inline bool get_bytes(napi_env env, napi_value value, uint8_t **bytes, size_t *length) {
  bool is_typed = false;
  napi_typedarray_type type;
  void *data;
  if (napi_is_typedarray(env, value, &is_typed) == napi_ok && is_typed &&
      napi_get_typedarray_info(env, value, &type, length, &data, NULL, NULL) == napi_ok && type == napi_uint8_array) {
    *bytes = data;
    return true;
  }
  throw_type(env, "a Uint8Array is expected");
  return false;
}

static inline napi_value number(napi_env env, double value) {
  napi_value result = NULL;
  napi_create_double(env, value, &result);
  return result;
}

static inline napi_value boolean(napi_env env, bool value) {
  napi_value result = NULL;
  napi_get_boolean(env, value, &result);
  return result;
}

static inline napi_value object(napi_env env) {
  napi_value result = NULL;
  napi_create_object(env, &result);
  return result;
}

static inline void set(napi_env env, napi_value target, const char *name, napi_value value) {
  napi_set_named_property(env, target, name, value);
}

static inline void set_text(napi_env env, napi_value target, const char *name, const char *text) {
  napi_value value = NULL;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  set(env, target, name, value);
}

#endif
