// The part of sys.node that tells whose a home is.
#ifndef FALCON_MACHINE_ADDON_H
#define FALCON_MACHINE_ADDON_H

#include <node_api.h>

// See src/platform/native.ts: machineOfHome(home), claimHome(home).
napi_value machine_of_home_call(napi_env env, napi_callback_info info);
napi_value claim_home(napi_env env, napi_callback_info info);

#endif
