// The part of sys.node that tells what process trees use. The kernel's files are read in a thread of Node's
// pool: it takes milliseconds, and where a read waits the server does not.
#include "addon/calls.h"
#include "addon/values.h"

#include <stdlib.h>

#include "addon/usage.h"

struct sample {
  napi_async_work work;
  napi_deferred deferred;
  struct usage_tree *trees;
  uint32_t count;
  bool look_for_gpu, done;
};

// Only the thread of Node reads and writes it: usage_sample has a memory of its own, for one at a time.
static bool busy;

static void run(napi_env env, void *data) {
  (void)env;
  struct sample *sample = data;
  sample->done = usage_sample(sample->trees, sample->count, sample->look_for_gpu);
}

static napi_value tree_object(napi_env env, const struct usage_tree *tree) {
  napi_value result = object(env), pids = NULL, actors = NULL;
  set(env, result, "root", number(env, tree->root));
  set(env, result, "gpu", boolean(env, tree->gpu));
  set(env, result, "cpu", number(env, tree->cpu));
  set(env, result, "anonymous", number(env, tree->anonymous));
  set(env, result, "shared", number(env, tree->shared));
  set(env, result, "written", number(env, tree->written));
  napi_create_array_with_length(env, (size_t)tree->count, &pids);
  for (int i = 0; i < tree->count; i++) napi_set_element(env, pids, (uint32_t)i, number(env, tree->pids[i]));
  set(env, result, "pids", pids);
  napi_create_array_with_length(env, tree->actor_count, &actors);
  for (size_t i = 0; i < tree->actor_count; i++) {
    napi_value actor = object(env), title = NULL;
    napi_create_string_latin1(env, tree->actors[i].title, NAPI_AUTO_LENGTH, &title);
    set(env, actor, "title", title);
    set(env, actor, "memory", number(env, tree->actors[i].memory));
    napi_set_element(env, actors, (uint32_t)i, actor);
  }
  set(env, result, "actors", actors);
  return result;
}

static void finish(napi_env env, napi_status status, void *data) {
  struct sample *sample = data;
  napi_value list = NULL;
  busy = false;
  napi_create_array(env, &list);
  uint32_t n = 0;
  for (uint32_t i = 0; status == napi_ok && sample->done && i < sample->count; i++)
    if (sample->trees[i].known) napi_set_element(env, list, n++, tree_object(env, &sample->trees[i]));
  napi_resolve_deferred(env, sample->deferred, list);
  napi_delete_async_work(env, sample->work);
  usage_free(sample->trees, sample->count);
  free(sample->trees);
  free(sample);
}

napi_value sample_usage(napi_env env, napi_callback_info info) {
  napi_value values[2], promise = NULL, name = NULL;
  bool gpu = false;
  uint32_t count = 0;
  if (!get_arguments(env, info, values, 2)) return NULL;
  if (napi_get_array_length(env, values[0], &count) != napi_ok || napi_get_value_bool(env, values[1], &gpu) != napi_ok)
    return throw_type(env, "a list of processes and a boolean are expected");
  if (busy) {
    napi_throw_error(env, "EBUSY", "a sample is being taken");
    return NULL;
  }
  struct sample *sample = calloc(1, sizeof *sample);
  struct usage_tree *trees = calloc(count > 0 ? count : 1, sizeof *trees);
  if (sample == NULL || trees == NULL) {
    free(sample);
    free(trees);
    napi_throw_error(env, "ENOMEM", "no memory for a sample");
    return NULL;
  }
  for (uint32_t i = 0; i < count; i++) {
    napi_value pid = NULL;
    napi_get_element(env, values[0], i, &pid);
    napi_get_value_int32(env, pid, &trees[i].root);
  }
  *sample = (struct sample){.trees = trees, .count = count, .look_for_gpu = gpu};
  napi_create_promise(env, &sample->deferred, &promise);
  napi_create_string_latin1(env, "sampleUsage", NAPI_AUTO_LENGTH, &name);
  napi_create_async_work(env, NULL, name, run, finish, sample, &sample->work);
  busy = true;
  napi_queue_async_work(env, sample->work);
  return promise;
}
