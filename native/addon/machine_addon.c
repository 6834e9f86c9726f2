// The part of sys.node that tells whose a home is.
#include "addon/calls.h"
#include "addon/values.h"

#include "home/machine.h"

napi_value machine_of_home_call(napi_env env, napi_callback_info info) {
  char home[PATH_LIMIT], problem[2 * PATH_LIMIT] = "";
  struct machine self;
  napi_value value, result = object(env);
  if (!get_arguments(env, info, &value, 1) || !get_path(env, value, home)) return NULL;
  machine_self(&self);
  enum machine_verdict verdict = machine_of_home(home, &self, problem, sizeof problem);
  set_text(env, result, "verdict", verdict == MACHINE_OURS ? "ours" : verdict == MACHINE_UNKNOWN ? "unknown" : "another");
  set_text(env, result, "problem", problem);
  set_text(env, result, "id", self.id);
  set_text(env, result, "boot", self.boot);
  set_text(env, result, "name", self.name);
  return result;
}

napi_value claim_home(napi_env env, napi_callback_info info) {
  char home[PATH_LIMIT];
  struct machine self;
  napi_value value;
  if (!get_arguments(env, info, &value, 1) || !get_path(env, value, home)) return NULL;
  machine_self(&self);
  return boolean(env, machine_claim(home, &self));
}
