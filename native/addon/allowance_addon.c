// The part of sys.node that tells and tries what this process may have. Whether the kernel would allow
// something is found out by doing it: capabilities, user namespaces and RLIMIT_NICE all have a say, and no
// table of ours would follow them.
#include "addon/calls.h"
#include "addon/values.h"

#include <pthread.h>
#include <sys/resource.h>

#include "system/os.h"

static napi_value limit_value(napi_env env, rlim_t value) {
  napi_value result = NULL;
  napi_create_bigint_uint64(env, value == RLIM_INFINITY ? UINT64_MAX : (uint64_t)value, &result);
  return result;
}

// [resource, soft, hard, resource, soft, hard, …], the limits as bigints.
napi_value resource_limits(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value list;
  uint32_t at = 0;
  napi_create_array(env, &list);
  for (int resource = 0; resource < (int)RLIM_NLIMITS; resource++) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) < 0) continue;
    napi_set_element(env, list, at++, number(env, resource));
    napi_set_element(env, list, at++, limit_value(env, limit.rlim_cur));
    napi_set_element(env, list, at++, limit_value(env, limit.rlim_max));
  }
  return list;
}

// The hard limit of this process, and what it starts can have: true when it is at least `hard` now.
napi_value raise_limit(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int resource;
  uint64_t hard;
  bool lossless;
  struct rlimit limit;
  if (!get_arguments(env, info, values, 2) || !get_int(env, values[0], &resource)) return NULL;
  if (napi_get_value_bigint_uint64(env, values[1], &hard, &lossless) != napi_ok) return throw_type(env, "a bigint is expected");
  if (getrlimit(resource, &limit) < 0) return boolean(env, false);
  rlim_t wish = hard == UINT64_MAX ? RLIM_INFINITY : (rlim_t)hard;
  if (limit.rlim_max >= wish) return boolean(env, true);
  bool follows = limit.rlim_cur == limit.rlim_max;
  limit.rlim_max = wish;
  if (follows) limit.rlim_cur = wish;
  return boolean(env, setrlimit(resource, &limit) == 0);
}

// {niceness, oomScoreAdj, processors}: of the thread that asks, which is the one that starts programs.
napi_value scheduling(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result = object(env), bytes = NULL;
  uint8_t mask[OS_PROCESSORS_ROOM];
  int score = 0;
  size_t length = os_processors(mask);
  os_oom_score(&score);
  napi_create_buffer_copy(env, length, mask, NULL, &bytes);
  set(env, result, "niceness", number(env, getpriority(PRIO_PROCESS, 0)));
  set(env, result, "oomScoreAdj", number(env, score));
  set(env, result, "processors", bytes);
  return result;
}

// {niceness, oomScoreAdj}: whether a process that is started from here could take these on. Tried, and taken
// back.
napi_value could_take(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int niceness, score;
  int now = getpriority(PRIO_PROCESS, 0), score_now = 0;
  if (!get_arguments(env, info, values, 2)) return NULL;
  if (!get_int(env, values[0], &niceness) || !get_int(env, values[1], &score)) return NULL;
  bool nice = niceness >= now;
  if (!nice && setpriority(PRIO_PROCESS, 0, niceness) == 0) nice = setpriority(PRIO_PROCESS, 0, now) == 0;
  bool oom = !os_oom_score(&score_now) || score >= score_now;
  if (!oom && os_set_oom_score(score)) oom = os_set_oom_score(score_now);
  napi_value result = object(env);
  set(env, result, "niceness", boolean(env, nice));
  set(env, result, "oomScoreAdj", boolean(env, oom));
  return result;
}

static void *wait_for_end(void *gate) {
  pthread_mutex_lock(gate);
  pthread_mutex_unlock(gate);
  return NULL;
}

// Whether so many threads (or, on Linux, processes) more can be had: they are started, and have ended when
// this answers.
napi_value room_for(napi_env env, napi_callback_info info) {
  enum { MOST = 16, STACK = 128 << 10 };
  napi_value values[1];
  int count, started = 0;
  pthread_t threads[MOST];
  pthread_attr_t small;
  pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
  if (!get_arguments(env, info, values, 1) || !get_int(env, values[0], &count)) return NULL;
  if (count < 0 || count > MOST) return throw_type(env, "a small number is expected");
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, STACK);
  pthread_mutex_lock(&gate);
  while (started < count && pthread_create(&threads[started], &small, wait_for_end, &gate) == 0) started++;
  pthread_mutex_unlock(&gate);
  for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
  pthread_attr_destroy(&small);
  return boolean(env, started == count);
}
