// The calls of sys.node that are not in addon.c itself; src/platform/native.ts says what each takes and
// answers.
#ifndef FALCON_CALLS_H
#define FALCON_CALLS_H

#include <node_api.h>

// addon_filter.c: the stream filter and the table of modes (src/platform/stream-filter.ts).
napi_value create_filter(napi_env env, napi_callback_info info);
napi_value feed_filter(napi_env env, napi_callback_info info);
napi_value take_asked(napi_env env, napi_callback_info info);
napi_value list_mode_rules(napi_env env, napi_callback_info info);
// allowance_addon.c: what this process may have, told and tried.
napi_value resource_limits(napi_env env, napi_callback_info info);
napi_value raise_limit(napi_env env, napi_callback_info info);
napi_value scheduling(napi_env env, napi_callback_info info);
napi_value could_take(napi_env env, napi_callback_info info);
napi_value room_for(napi_env env, napi_callback_info info);
// folder_addon.c: work in a folder by its descriptor, so that no name of a path is looked up twice.
napi_value open_folder(napi_env env, napi_callback_info info);
napi_value open_folder_at(napi_env env, napi_callback_info info);
napi_value lock_folder(napi_env env, napi_callback_info info);
napi_value entry_at(napi_env env, napi_callback_info info);
napi_value entry_of(napi_env env, napi_callback_info info);
napi_value names_in(napi_env env, napi_callback_info info);
napi_value unlink_at(napi_env env, napi_callback_info info);
// machine_addon.c: whose a home is.
napi_value machine_of_home_call(napi_env env, napi_callback_info info);
napi_value claim_home(napi_env env, napi_callback_info info);
// usage_addon.c: what process trees use.
napi_value sample_usage(napi_env env, napi_callback_info info);

#endif
