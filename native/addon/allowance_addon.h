// The part of sys.node that tells and tries what this process may have.
#ifndef FALCON_ALLOWANCE_ADDON_H
#define FALCON_ALLOWANCE_ADDON_H

#include <node_api.h>

// See src/platform/native.ts: resourceLimits(), raiseLimit(resource, hard), scheduling(), couldTake(niceness,
// oomScoreAdj), roomFor(threads).
napi_value resource_limits(napi_env env, napi_callback_info info);
napi_value raise_limit(napi_env env, napi_callback_info info);
napi_value scheduling(napi_env env, napi_callback_info info);
napi_value could_take(napi_env env, napi_callback_info info);
napi_value room_for(napi_env env, napi_callback_info info);

#endif
