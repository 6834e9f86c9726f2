// See typing.h.
#include "client/typing.h"

#include <stdlib.h>
#include <string.h>

#include "system/frame.h"
#include "system/os.h"

enum {
  // So many presses within so long, from the first to the last, say that somebody wants to go: more than the
  // two that send the prefix to the program, and as fast as only one presses who does not wait for what the
  // first does.
  PRESSES = 3,
  PRESSES_MS = 2000,
  // A server that is busy answers a press within some milliseconds; one that has not after so long stands
  // still.
  ANSWER_MS = 500,
  // Over a network: twice what the slowest one takes there and back.
  NETWORK_ANSWER_MS = 1500,
  // Two keys leave a session; a later server may know some more.
  MOST_KEYS = 8,
  // So far back in a read keys that leave are looked for behind text: three of kitty's with their releases,
  // and some more.
  PRESSES_LONGEST = 128,
  // So much is kept for the next server; where a holder has not taken more than that, what is on its way is
  // lost with this one.
  KEPT_MOST = 1 << 20,
};

// Modifiers of kitty's encoding and of modifyOtherKeys, less one: Shift, Ctrl, and the locks, which say
// nothing.
enum { SHIFT = 1, CTRL = 4, LOCKS = 64 | 128 };

static uint8_t keys[MOST_KEYS];
static size_t key_count;
static bool understood;

// What waits: records of u32 length · payload of a INPUT_AT frame.
static uint8_t *waiting;
static size_t waiting_room, waiting_start, waiting_end;
static bool unanswered;
// Of that, start .. sent is on its way to a server that says what it has taken (`kept`), and up to
// `again_end` was so to an earlier one.
static size_t waiting_sent, again_end;
static bool kept;
static bool gave_up;          // more than KEPT_MOST was on its way: nobody knows what the holder has of it
static uint64_t read_before;  // bytes of INPUT_AT that went on this connection before waiting_start
static uint64_t typed;        // bytes of ours that the holder had for them, over all connections

// The last presses since the server's last answer, the newest first.
static int64_t pressed_at[PRESSES];
static unsigned press_count;
static unsigned presses_wanted = PRESSES;
static int64_t answer_ms = ANSWER_MS;

void typing_keys(const uint8_t *bytes, size_t length) {
  key_count = length < MOST_KEYS ? length : MOST_KEYS;
  if (key_count > 0) memcpy(keys, bytes, key_count);
  understood = true;
  // what they are for has begun: whoever had the keys before, and was left by one, answers no more
  typing_taken();
}

void typing_restart(void) {
  if (again_end < waiting_sent) again_end = waiting_sent;
  waiting_sent = waiting_start;
  // a press that is sent again is answered by what it does
  for (size_t at = waiting_start; at < again_end; at += 4 + get_u32(waiting + at)) waiting[at + 4 + 8] = 0;
  if (gave_up) typed = 0;
  kept = gave_up = false;
  read_before = 0;
  understood = unanswered = false;
  press_count = 0;
}

bool typing_understood(void) {
  return understood;
}

static bool is_control(uint8_t key) {
  return key < 0x20;
}

// Whether an encoded key is this one: a control byte is Ctrl with its key (Shift may be what reaches that), a
// character the key that types it. `codes`: the key as it is, shifted, on the base layout, and the text that
// it types.
static bool means(uint8_t key, const uint32_t codes[4], uint32_t modifiers) {
  uint32_t code = key;
  modifiers &= ~(uint32_t)LOCKS;
  if (is_control(key)) {
    if ((modifiers & ~(uint32_t)SHIFT) != CTRL) return false;
    code += 0x40;
    if (code >= 'A' && code <= 'Z') code += 'a' - 'A';
    return codes[0] == code || codes[1] == code || codes[2] == code;
  }
  if (modifiers > SHIFT) return false;
  return codes[3] == code || codes[modifiers == SHIFT ? 1 : 0] == code;
}

// What a key that leaves is. A character may be text as well.
enum leaving { NOT_LEAVING, CHARACTER, CONTROL };

static enum leaving kind_of(uint8_t key) {
  return is_control(key) ? CONTROL : CHARACTER;
}

// The length of the key that begins here in kitty's encoding (CSI code:shifted:base ; modifiers:event ; text
// u) or in that of modifyOtherKeys (CSI 27 ; modifiers ; code ~); 0 where there is none. `leaves`: whether it
// is one that leaves, and is pressed, not held or released.
static size_t encoded(const uint8_t *bytes, size_t length, enum leaving *leaves) {
  uint32_t fields[3][3] = {{0}};
  size_t field = 0, part = 0, at = 2;
  if (length < 4 || bytes[0] != 0x1b || bytes[1] != '[') return 0;
  for (; at < length; at++) {
    uint8_t byte = bytes[at];
    uint32_t *number = &fields[field][part];
    if (byte >= '0' && byte <= '9' && *number < 1u << 24) *number = *number * 10 + (byte - '0');
    else if (byte == ':' && part < 2) part++;
    else if (byte == ';' && field < 2) field++, part = 0;
    else break;
  }
  if (at == length) return 0;
  uint32_t modifiers = fields[1][0] > 0 ? fields[1][0] - 1 : 0;
  uint32_t event = fields[1][1] > 0 ? fields[1][1] : 1;
  uint32_t codes[4] = {fields[0][0], fields[0][1], fields[0][2], fields[2][0]};
  if (bytes[at] == '~' && fields[0][0] == 27 && field == 2) {
    codes[0] = fields[2][0];
    codes[1] = codes[2] = codes[3] = 0;
  } else if (bytes[at] != 'u') return 0;
  *leaves = NOT_LEAVING;
  for (size_t i = 0; i < key_count; i++)
    if (event == 1 && means(keys[i], codes, modifiers)) *leaves = kind_of(keys[i]);
  return at + 1;
}

// The length of the first key of a read that consists of keys which may leave, and of releases; 0 where it is
// anything else. A character counts when it was typed alone, as the server has it; a control byte cannot be
// text, an encoded character may be (presses_from).
static size_t first_key(const uint8_t *bytes, size_t length, enum leaving *leaves) {
  size_t taken = encoded(bytes, length, leaves);
  if (taken > 0) return taken;
  bool control = key_count > 0 && memchr(keys, bytes[0], key_count) && is_control(bytes[0]);
  *leaves = control ? CONTROL : NOT_LEAVING;
  return control;
}

// Whether these bytes consist of such keys, and presses of `least` or more are among them.
static bool is_presses(const uint8_t *bytes, size_t length, enum leaving least) {
  bool any = false;
  enum leaving leaves;
  for (size_t at = 0, taken; at < length; at += taken) {
    taken = first_key(bytes + at, length - at, &leaves);
    if (taken == 0 || (leaves != NOT_LEAVING && leaves < least)) return false;
    any |= leaves != NOT_LEAVING;
  }
  return any;
}

// Where the keys that leave begin with which a read ends, `length` where it ends with none: over a slow line,
// or for a client that had no turn, they come together with what was typed before. Not behind an Esc, which
// makes another key of them; and a character behind others is text.
static size_t presses_from(const uint8_t *bytes, size_t length) {
  if (is_presses(bytes, length, CHARACTER)) return 0;
  for (size_t from = length > PRESSES_LONGEST ? length - PRESSES_LONGEST : 1; from < length; from++)
    if (bytes[from - 1] != 0x1b && is_presses(bytes + from, length - from, CONTROL)) return from;
  return length;
}

static uint8_t *room_for(size_t length) {
  if (waiting_start == waiting_end) waiting_start = waiting_sent = waiting_end = again_end = 0;
  if (waiting_start > KEPT_MOST) {
    memmove(waiting, waiting + waiting_start, waiting_end - waiting_start);
    again_end = again_end > waiting_start ? again_end - waiting_start : 0;
    waiting_sent -= waiting_start;
    waiting_end -= waiting_start;
    waiting_start = 0;
  }
  if (waiting_end + length > waiting_room) {
    waiting_room = (waiting_end + length) * 2;
    waiting = realloc(waiting, waiting_room);
    if (!waiting) abort();  // the handler of SIGABRT puts the terminal back
  }
  uint8_t *at = waiting + waiting_end;
  waiting_end += length;
  return at;
}

static void keep(const uint8_t *bytes, size_t length, int64_t now, bool press) {
  uint8_t *at = room_for(4 + INPUT_AT_HEADER + length);
  put_u32(at, (uint32_t)(INPUT_AT_HEADER + length));
  put_u64(at + 4, (uint64_t)now);
  at[4 + 8] = press;
  memcpy(at + 4 + INPUT_AT_HEADER, bytes, length);
  if (!press) return;
  // those that are too old for a further one are forgotten
  while (press_count > 0 && now - pressed_at[press_count - 1] > PRESSES_MS) press_count--;
  if (press_count == PRESSES) return;
  memmove(pressed_at + 1, pressed_at, sizeof pressed_at - sizeof *pressed_at);
  pressed_at[0] = now;
  press_count++;
}

void typing_take(const uint8_t *bytes, size_t length, int64_t now) {
  bool alone = length == 1 && key_count > 0 && memchr(keys, bytes[0], key_count);
  if (alone) {
    keep(bytes, length, now, true);
    return;
  }
  size_t text = presses_from(bytes, length);
  if (text > 0) keep(bytes, text, now, false);
  // several that came at once, from a held key or over a slow line: each for itself
  for (size_t at = text, taken; at < length; at += taken) {
    enum leaving leaves;
    taken = first_key(bytes + at, length - at, &leaves);
    keep(bytes + at, taken, now, leaves != NOT_LEAVING);
  }
}

void typing_taken(void) {
  unanswered = false;
  press_count = 0;
}

int64_t typing_leaves_at(int64_t heard_at) {
  if (press_count < presses_wanted) return -1;
  int64_t first = pressed_at[presses_wanted - 1];
  return (heard_at > first ? heard_at : first) + answer_ms;
}

const uint8_t *typing_next(size_t *length) {
  // a server that cannot tell what the earlier one passed on would pass it on twice
  if (!kept && waiting_start < again_end) waiting_start = waiting_sent = again_end;
  if (unanswered || waiting_sent == waiting_end) return NULL;
  const uint8_t *payload = waiting + waiting_sent + 4;
  *length = get_u32(waiting + waiting_sent);
  waiting_sent += 4 + *length;
  if (kept && waiting_sent - waiting_start > KEPT_MOST) {
    kept = false;
    gave_up = true;
  }
  if (!kept) waiting_start = waiting_sent;
  unanswered = payload[8] != 0;
  return payload;
}

size_t typing_waiting(void) {
  return waiting_end - waiting_sent;
}

void typing_keep(void) { kept = true; }

bool typing_keeps(void) { return kept; }

bool typing_gave_up(void) { return gave_up; }

uint64_t typing_passed_on(void) { return typed; }

void typing_passed(uint64_t read, uint64_t typed_now) {
  while (waiting_start < waiting_sent && read > read_before) {
    uint8_t *at = waiting + waiting_start;
    size_t length = get_u32(at), bytes = length - INPUT_AT_HEADER;
    if (read_before + bytes > read) {
      // its first part: the rest becomes a record of its own
      bytes = (size_t)(read - read_before);
      memmove(at + bytes, at, 4 + INPUT_AT_HEADER);
      put_u32(at + bytes, (uint32_t)(length - bytes));
      waiting_start += bytes;
    } else waiting_start += 4 + length;
    read_before += bytes;
  }
  typed = typed_now;
}

void typing_over_network(void) {
  presses_wanted = 1;
  answer_ms = NETWORK_ANSWER_MS;
}

bool typing_pressed(void) { return press_count > 0; }

size_t typing_held(bool unsent, int64_t *since, uint8_t *bytes, size_t room) {
  size_t count = 0, from = unsent ? waiting_sent : waiting_start;
  if (from < waiting_end) *since = (int64_t)get_u64(waiting + from + 4);
  for (size_t at = from; at < waiting_end; at += 4 + get_u32(waiting + at)) {
    size_t length = get_u32(waiting + at) - INPUT_AT_HEADER, left = count < room ? room - count : 0;
    if (left > 0) memcpy(bytes + count, waiting + at + 4 + INPUT_AT_HEADER, length < left ? length : left);
    count += length;
  }
  return count;
}

void typing_renew(void) {
  uint64_t now = (uint64_t)os_steady_ms();
  for (size_t at = waiting_start; at < waiting_end; at += 4 + get_u32(waiting + at)) put_u64(waiting + at + 4, now);
}

void typing_drop(bool unsent) {
  waiting_end = unsent ? waiting_sent : waiting_start;
  if (again_end > waiting_end) again_end = waiting_end;
  press_count = 0;
  if (unsent) return;
  waiting_sent = waiting_end;
  typed = 0;
}
