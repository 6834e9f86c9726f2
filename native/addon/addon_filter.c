// The filter of a viewer's stream (stream_filter.h), for JavaScript: an object that is fed, and frees itself
// when nobody has it any more.
#include "addon/addon_filter.h"

#include <stdlib.h>

#include "filter/mode_rules.h"
#include "filter/stream_filter.h"

static napi_value refuse(napi_env env, const char *text) {
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", text);
  return NULL;
}

static napi_value out_of_memory(napi_env env) {
  napi_throw_error(env, "ENOMEM", "ENOMEM: no memory for a filter");
  return NULL;
}

static bool get_bytes(napi_env env, napi_value value, uint8_t **bytes, size_t *length) {
  napi_typedarray_type type;
  bool is_typed = false;
  void *data;
  if (napi_is_typedarray(env, value, &is_typed) != napi_ok || !is_typed) return false;
  if (napi_get_typedarray_info(env, value, &type, length, &data, NULL, NULL) != napi_ok || type != napi_uint8_array) return false;
  *bytes = data;
  return true;
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
  size_t count = 3, length;
  uint8_t *passages;
  bool questions, may_ask;
  struct sequence_rules rules;
  if (napi_get_cb_info(env, info, &count, a, NULL, NULL) != napi_ok || count < 3 ||
      !get_bytes(env, a[0], &passages, &length) || length != SEQUENCE_KINDS ||
      napi_get_value_bool(env, a[1], &questions) != napi_ok || napi_get_value_bool(env, a[2], &may_ask) != napi_ok)
    return refuse(env, "a filter is made of its rules and two booleans");
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
  size_t count = 2, length;
  uint8_t *bytes;
  struct stream_filter *filter;
  if (napi_get_cb_info(env, info, &count, a, NULL, NULL) != napi_ok || count < 2 ||
      !(filter = filter_of(env, a[0])) || !get_bytes(env, a[1], &bytes, &length))
    return refuse(env, "a filter is fed with a Uint8Array");
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
  size_t count = 1;
  struct stream_filter *filter;
  if (napi_get_cb_info(env, info, &count, a, NULL, NULL) != napi_ok || count < 1 || !(filter = filter_of(env, a[0])))
    return refuse(env, "a filter is expected");
  struct bytes *asked = &filter->policy.asked;
  if (asked->length == 0) return NULL;
  napi_create_buffer_copy(env, asked->length, asked->at, NULL, &result);
  asked->length = 0;
  return result;
}

static void set_text(napi_env env, napi_value target, const char *name, const char *text) {
  napi_value value;
  if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok) napi_set_named_property(env, target, name, value);
}

static void set_boolean(napi_env env, napi_value target, const char *name, bool truth) {
  napi_value value;
  if (napi_get_boolean(env, truth, &value) == napi_ok) napi_set_named_property(env, target, name, value);
}

// modeRules(): the table of native/filter/mode_rules.c, a line an object.
napi_value list_mode_rules(napi_env env, napi_callback_info info) {
  static const char *const passages[] = {"never", "passes", "needed"}, *const leavings[] = {"nothing", "reset", "set"};
  napi_value list = NULL;
  (void)info;
  if (napi_create_array(env, &list) != napi_ok) return NULL;
  for (size_t i = 0; i < mode_rule_count; i++) {
    const struct mode_rule *rule = &mode_rules[i];
    napi_value line, value;
    if (napi_create_object(env, &line) != napi_ok) return NULL;
    if (napi_create_uint32(env, rule->mode, &value) == napi_ok) napi_set_named_property(env, line, "mode", value);
    set_boolean(env, line, "dec", rule->dec);
    set_text(env, line, "passage", passages[rule->passage]);
    set_text(env, line, "leaving", leavings[rule->leaving]);
    set_boolean(env, line, "kept", rule->kept);
    set_text(env, line, "name", rule->name);
    set_text(env, line, "terminals", rule->terminals);
    napi_set_element(env, list, (uint32_t)i, line);
  }
  return list;
}
