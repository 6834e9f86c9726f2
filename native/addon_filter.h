#ifndef FALCON_ADDON_FILTER_H
#define FALCON_ADDON_FILTER_H

#include <node_api.h>

// See src/platform/stream-filter.ts.
napi_value create_filter(napi_env env, napi_callback_info info);
napi_value feed_filter(napi_env env, napi_callback_info info);
napi_value take_asked(napi_env env, napi_callback_info info);
// See src/platform/native.ts.
napi_value list_mode_rules(napi_env env, napi_callback_info info);

#endif
