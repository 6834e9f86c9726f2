// The part of sys.node that gives JavaScript the stream filter and the table of modes;
// src/platform/stream-filter.ts says how each is used.
#ifndef FALCON_ADDON_FILTER_H
#define FALCON_ADDON_FILTER_H

#include <node_api.h>

napi_value create_filter(napi_env env, napi_callback_info info);
napi_value feed_filter(napi_env env, napi_callback_info info);
napi_value take_asked(napi_env env, napi_callback_info info);
// See src/platform/native.ts.
napi_value list_mode_rules(napi_env env, napi_callback_info info);

#endif
