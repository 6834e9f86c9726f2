// See machine_addon.h.
#include "addon/machine_addon.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "home/machine.h"

static bool get_home(napi_env env, napi_callback_info info, char home[PATH_MAX]) {
  size_t count = 1, length;
  napi_value value;
  if (napi_get_cb_info(env, info, &count, &value, NULL, NULL) == napi_ok && count == 1 &&
      napi_get_value_string_utf8(env, value, home, PATH_MAX, &length) == napi_ok && length > 0 && length + 1 < PATH_MAX && !memchr(home, 0, length))
    return true;
  napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", "the path of a home is expected");
  return false;
}

static void set(napi_env env, napi_value object, const char *name, const char *text) {
  napi_value value = NULL;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  napi_set_named_property(env, object, name, value);
}

napi_value machine_of_home_call(napi_env env, napi_callback_info info) {
  char home[PATH_MAX], problem[2 * PATH_MAX] = "";
  struct machine self, owner = {.name = ""};
  napi_value result = NULL;
  if (!get_home(env, info, home)) return NULL;
  machine_self(&self);
  enum machine_verdict verdict = machine_of_home(home, &self, &owner, problem, sizeof problem);
  napi_create_object(env, &result);
  set(env, result, "verdict", verdict == MACHINE_OURS ? "ours" : verdict == MACHINE_UNKNOWN ? "unknown" : "another");
  set(env, result, "problem", problem);
  set(env, result, "id", self.id);
  set(env, result, "boot", self.boot);
  set(env, result, "name", self.name);
  return result;
}

napi_value claim_home(napi_env env, napi_callback_info info) {
  char home[PATH_MAX];
  struct machine self;
  napi_value result = NULL;
  if (!get_home(env, info, home)) return NULL;
  machine_self(&self);
  napi_get_boolean(env, machine_claim(home, &self), &result);
  return result;
}
