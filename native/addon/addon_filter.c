// The filter of a viewer's stream (stream_filter.h), for JavaScript: an object that is fed, and frees itself
// when nobody has it any more.
#include "addon/calls.h"
#include "addon/values.h"

#include <stdlib.h>

#include "filter/mode_rules.h"
#include "filter/stream_filter.h"

static napi_value out_of_memory(napi_env env) {
  napi_throw_error(env, "ENOMEM", "ENOMEM: no memory for a filter");
  return NULL;
}

static void free_filter(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  stream_filter_end(data);
  free(data);
}

// createFilter(passages, questions, mayAsk): the passages stand in the order of enum sequence_kind.
napi_value create_filter(napi_env env, napi_callback_info info) {
  napi_value a[3], result;
  size_t length;
  uint8_t *passages;
  bool questions, may_ask;
  struct sequence_rules rules;
  if (!get_arguments(env, info, a, 3) || !get_bytes(env, a[0], &passages, &length)) return NULL;
  if (length != SEQUENCE_KINDS || napi_get_value_bool(env, a[1], &questions) != napi_ok ||
      napi_get_value_bool(env, a[2], &may_ask) != napi_ok)
    return throw_type(env, "a filter is made of its rules and two booleans");
  memcpy(rules.passage, passages, sizeof rules.passage);
  struct stream_filter *filter = malloc(sizeof *filter);
  if (!filter) return out_of_memory(env);
  stream_filter_begin(filter, &rules, questions, may_ask);
  if (napi_create_external(env, filter, free_filter, NULL, &result) == napi_ok) return result;
  free_filter(env, filter, NULL);
  return NULL;
}

static struct stream_filter *filter_of(napi_env env, napi_value value) {
  void *filter = NULL;
  return napi_get_value_external(env, value, &filter) == napi_ok ? filter : NULL;
}

// feedFilter(filter, bytes): what may go to the terminal; the same buffer where that is all of it.
napi_value feed_filter(napi_env env, napi_callback_info info) {
  napi_value a[2], result = NULL;
  size_t length;
  uint8_t *bytes;
  struct stream_filter *filter;
  if (!get_arguments(env, info, a, 2) || !get_bytes(env, a[1], &bytes, &length)) return NULL;
  if (!(filter = filter_of(env, a[0]))) return throw_type(env, "a filter is expected");
  if (stream_filter_passes(filter, bytes, length)) return a[1];
  filter->out.length = 0;
  if (!stream_filter_feed(filter, bytes, length)) return out_of_memory(env);
  napi_create_buffer_copy(env, filter->out.length, filter->out.at, NULL, &result);
  return result;
}

// takeAsked(filter): the sequences that a person is to be asked about, each behind its length; undefined
// where there are none.
napi_value take_asked(napi_env env, napi_callback_info info) {
  napi_value a[1], result = NULL;
  struct stream_filter *filter;
  if (!get_arguments(env, info, a, 1)) return NULL;
  if (!(filter = filter_of(env, a[0]))) return throw_type(env, "a filter is expected");
  struct bytes *asked = &filter->policy.asked;
  if (asked->length == 0) return NULL;
  napi_create_buffer_copy(env, asked->length, asked->at, NULL, &result);
  asked->length = 0;
  return result;
}

// modeRules(): the table of native/filter/mode_rules.c, a line an object.
napi_value list_mode_rules(napi_env env, napi_callback_info info) {
  static const char *const passages[] = {"never", "passes", "needed"}, *const leavings[] = {"nothing", "reset", "set"};
  napi_value list = NULL;
  (void)info;
  if (napi_create_array(env, &list) != napi_ok) return NULL;
  for (size_t i = 0; i < mode_rule_count; i++) {
    const struct mode_rule *rule = &mode_rules[i];
    napi_value line = object(env);
    set(env, line, "mode", number(env, rule->mode));
    set(env, line, "dec", boolean(env, rule->dec));
    set_text(env, line, "passage", passages[rule->passage]);
    set_text(env, line, "leaving", leavings[rule->leaving]);
    set(env, line, "kept", boolean(env, rule->kept));
    set_text(env, line, "name", rule->name);
    set_text(env, line, "terminals", rule->terminals);
    napi_set_element(env, list, (uint32_t)i, line);
  }
  return list;
}
