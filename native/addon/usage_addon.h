// The part of sys.node that tells what process trees use.
#ifndef FALCON_USAGE_ADDON_H
#define FALCON_USAGE_ADDON_H

#include <node_api.h>

// See src/platform/native.ts: sampleUsage(roots, lookForGpu).
napi_value sample_usage(napi_env env, napi_callback_info info);

#endif
