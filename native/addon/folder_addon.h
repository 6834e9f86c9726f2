// The part of sys.node that works in a folder by its descriptor: no name of a path is looked up twice.
#ifndef FALCON_FOLDER_ADDON_H
#define FALCON_FOLDER_ADDON_H

#include <node_api.h>

// See src/platform/native.ts: openFolder(path), openFolderAt(folder, name), lockFolder(folder),
// entryAt(folder, name), namesIn(folder), unlinkAt(folder, name, isFolder), entryOf(fd).
napi_value open_folder(napi_env env, napi_callback_info info);
napi_value open_folder_at(napi_env env, napi_callback_info info);
napi_value lock_folder(napi_env env, napi_callback_info info);
napi_value entry_at(napi_env env, napi_callback_info info);
napi_value entry_of(napi_env env, napi_callback_info info);
napi_value names_in(napi_env env, napi_callback_info info);
napi_value unlink_at(napi_env env, napi_callback_info info);

#endif
