#ifndef LOOK_H
#define LOOK_H

#include <node_api.h>

// look(files, from, known): see look.c and src/base/look.ts.
napi_value look(napi_env env, napi_callback_info info);

#endif
