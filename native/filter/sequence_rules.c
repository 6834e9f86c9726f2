// See sequence_rules.h.
#include "filter/sequence_rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// ---- control sequences

// A prefix that a line of the table asks for: this one, any, or any other than that.
enum { ANY_PREFIX = 1, OTHER_THAN = 0x80 };

// Control sequences that make a terminal send something, by prefix, and by intermediates and final byte.
static const struct {
  uint8_t prefix;
  const char *ending;
} asking_controls[] = {
    {OTHER_THAN | '?', "c"},  // DA1, DA2, DA3; with `?` it shapes the Linux console's cursor
    {OTHER_THAN | '>', "n"},  // DSR; with `>` it disables a key modifier
    {ANY_PREFIX, "$p"},       // DECRQM
    {'>', "q"},               // XTVERSION
    {'?', "u"},               // kitty's keyboard flags
    {0, "x"},                 // DECREQTPARM
    {'?', "m"},               // XTQMODKEYS
    {'?', "g"},               // XTQFMTKEYS
    {'?', "S"},               // XTSMGRAPHICS
    {ANY_PREFIX, "$u"},       // DECRQTSR
    {ANY_PREFIX, "&u"},       // DECRQUPSS
    {ANY_PREFIX, "$w"},       // DECRQPSR
    {ANY_PREFIX, "*y"},       // DECRQCRA
    {ANY_PREFIX, "'|"},       // DECRQLP
    {ANY_PREFIX, "#|"},       // XTREPORTSGR
    {ANY_PREFIX, "#R"},       // XTREPORTCOLORS
    {ANY_PREFIX, "\"v"},      // DECRQDE
    {ANY_PREFIX, "+x"},       // DECRQPKFM
};

// Control sequences that never pass, by prefix, and by intermediates and final byte: each would leave the
// terminal other than it was, or act outside of it.
static const struct {
  uint8_t prefix;
  const char *ending;
} blocked_controls[] = {
    {ANY_PREFIX, "\"p"},  // DECSCL: a VT100, or 8-bit controls
    {'?', "s"},           // XTSAVE and XTRESTORE: what is saved there is the viewer's own, for when it leaves
    {'?', "r"},
    {ANY_PREFIX, "i"},    // printing: some terminals hand the text to a command
    {'>', "t"},           // how titles are written and read
    {'>', "p"},           // XTSMPOINTER: whether the pointer hides
    {'>', "s"},           // XTSHIFTESCAPE: Shift would select no more
    {ANY_PREFIX, "]"},    // the Linux console's: another console to the front, its colours, bell and blanking
    {ANY_PREFIX, "$}"},   // DECSASD and DECSSDT: what is written goes to the status line
    {ANY_PREFIX, "$~"},
};

// Operations of XTWINOPS that report something, and those that save and restore the title.
static const uint8_t reporting_operations[] = {11, 13, 14, 15, 16, 18, 19, 20, 21};
static const uint8_t title_operations[] = {22, 23};

static bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }
static bool is_parameter(uint8_t byte) { return byte >= 0x30 && byte <= 0x3b; }
static bool is_intermediate(uint8_t byte) { return byte >= 0x20 && byte <= 0x2f; }

static bool is_one_of(double number, const uint8_t *numbers, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (number == numbers[i]) return true;
  return false;
}

struct control control_of(const uint8_t *body, size_t length) {
  struct control c = {.body = body, .length = length, .final = body[length - 1]};
  size_t i = 0;
  if (body[0] >= '<' && body[0] <= '?' && length > 1) c.prefix = body[i++];
  c.parameters = i;
  while (i < length - 1 && is_parameter(body[i])) i++;
  c.intermediates = i;
  while (i < length - 1 && is_intermediate(body[i])) i++;
  c.whole = i == length - 1;
  return c;
}

double parameter_number(const uint8_t *text, size_t length) {
  char copy[600], *end;
  while (length > 0 && text[length - 1] == ' ') length--;
  while (length > 0 && *text == ' ') text++, length--;
  if (length == 0) return 0;
  if (length >= sizeof copy) return NAN;
  memcpy(copy, text, length);
  copy[length] = 0;
  double number = strtod(copy, &end);
  return *end ? NAN : number;
}

static bool prefix_fits(uint8_t wanted, uint8_t prefix) {
  if (wanted == ANY_PREFIX) return true;
  return wanted & OTHER_THAN ? prefix != (wanted & ~OTHER_THAN) : prefix == wanted;
}

// The number in front of the first separator behind the body's beginning.
static double first_number(const uint8_t *body, size_t length) {
  size_t end = 0;
  while (end < length && body[end] != ';' && body[end] != ':') end++;
  return parameter_number(body, end);
}

bool control_asks(const struct control *c) {
  const char *ending = (const char *)c->body + c->intermediates;
  size_t length = c->length - c->intermediates;
  for (size_t i = 0; i < sizeof asking_controls / sizeof *asking_controls; i++)
    if (strlen(asking_controls[i].ending) == length && memcmp(asking_controls[i].ending, ending, length) == 0)
      return prefix_fits(asking_controls[i].prefix, c->prefix);
  return c->final == 't' && length == 1 && c->prefix == 0 &&
         is_one_of(first_number(c->body, c->length - 1), reporting_operations, sizeof reporting_operations);
}

enum sequence_kind control_kind(const struct control *c) {
  uint8_t before = c->length > 1 ? c->body[c->length - 2] : 0;
  // where the order is broken, too, what stands in front of the final byte decides
  size_t first = c->length - 1;
  while (first > 0 && is_intermediate(c->body[first - 1])) first--;
  size_t intermediates = c->length - 1 - first;
  for (size_t i = 0; i < sizeof blocked_controls / sizeof *blocked_controls; i++) {
    const char *ending = blocked_controls[i].ending;
    uint8_t wanted = blocked_controls[i].prefix;
    bool same = strlen(ending) == intermediates + 1 && memcmp(c->body + first, ending, intermediates + 1) == 0;
    if (same && (wanted == ANY_PREFIX || (c->length > 1 && c->body[0] == wanted))) return KIND_BLOCKED;
  }
  if (c->final == '|' && intermediates == 1 && (before == '$' || before == '*')) return KIND_WINDOW;
  if (c->final != 't' || intermediates > 0) return KIND_DRAWS;
  return is_one_of(first_number(c->body, c->length - 1), title_operations, sizeof title_operations) ? KIND_TITLE : KIND_WINDOW;
}

bool final_draws(uint8_t final) {
  struct control bare = control_of(&final, 1);
  // modes have a table of their own (mode_rules.c)
  return final != 'h' && final != 'l' && !control_asks(&bare) && control_kind(&bare) == KIND_DRAWS;
}

// ---- escapes

enum escape_effect escape_effect(uint8_t letter) {
  switch (letter) {
    case 'Z': return ESCAPE_ASKS;
    case 'k': return ESCAPE_BLOCKED;
    case 'c': return ESCAPE_RESETS;
    default: return ESCAPE_DRAWS;
  }
}

// ---- modes

bool control_resets_modes(const struct control *c) {
  return c->whole && c->prefix == 0 && c->length - c->intermediates == 2 && c->body[c->intermediates] == '!' && c->final == 'p';
}

bool escape_is_blocked(const uint8_t *text, size_t length) {
  // 8-bit controls from the terminal (S8C1T), another encoding than UTF-8
  return length == 2 && ((text[0] == ' ' && text[1] == 'G') || (text[0] == '%' && text[1] == '@'));
}

// ---- operating system commands

// What an OSC may ask, and how it is told from one that sets.
enum asking {
  ASKS_NOTHING,
  ASKS_ALWAYS,
  ASKS_FIRST,         // `?` behind the number
  ASKS_IN_PAIRS,      // of number and colour, all colours are `?`
  ASKS_IN_ALL,        // all words are `?`
  ASKS_BY_KEY,        // all words end in `=?`
  ASKS_SECOND,        // the second word begins with `?`
  ASKS_BY_PARAMETER,  // kitty's notifications: of what the terminal does, and for reports
  ASKS_BY_WORD,       // iTerm2's
};

static const struct osc_rule {
  uint16_t first, last;
  uint8_t kind, asking;
} osc_rules[] = {
    {0, 2, KIND_TITLE, ASKS_NOTHING},
    {3, 3, KIND_BLOCKED, ASKS_FIRST},  // X properties
    {4, 5, KIND_COLOURS, ASKS_IN_PAIRS},
    {6, 6, KIND_COLOURS, ASKS_NOTHING},
    {7, 8, KIND_LINKS, ASKS_NOTHING},  // the working directory, hyperlinks
    {10, 19, KIND_COLOURS, ASKS_IN_ALL},
    {21, 21, KIND_COLOURS, ASKS_BY_KEY},
    {22, 22, KIND_COLOURS, ASKS_FIRST},  // the pointer's shape
    {30, 31, KIND_TITLE, ASKS_NOTHING},
    {50, 50, KIND_BLOCKED, ASKS_FIRST},   // fonts
    {52, 52, KIND_CLIPBOARD, ASKS_SECOND},
    {60, 61, KIND_BLOCKED, ASKS_ALWAYS},  // features that are allowed
    {99, 99, KIND_NOTIFICATION, ASKS_BY_PARAMETER},
    {104, 106, KIND_COLOURS, ASKS_NOTHING},
    {110, 119, KIND_COLOURS, ASKS_NOTHING},
    {133, 133, KIND_LINKS, ASKS_NOTHING},  // marks of prompts
    {633, 633, KIND_LINKS, ASKS_NOTHING},
    {1337, 1337, KIND_BLOCKED, ASKS_BY_WORD},
    {5522, 5522, KIND_CLIPBOARD, ASKS_ALWAYS},
};

// iTerm2's words behind 1337.
static const struct {
  const char *word;
  uint8_t kind;
} iterm_words[] = {
    {"File", KIND_IMAGES},
    {"MultipartFile", KIND_IMAGES},
    {"FilePart", KIND_IMAGES},
    {"FileEnd", KIND_IMAGES},
    {"Copy", KIND_CLIPBOARD},
    {"CopyToClipboard", KIND_CLIPBOARD},
    {"EndOfCopy", KIND_CLIPBOARD},
    {"SetKeyLabel", KIND_KEYS},
    {"PushKeyLabels", KIND_KEYS},
    {"PopKeyLabels", KIND_KEYS},
    {"RequestAttention", KIND_NOTIFICATION},
    {"StealFocus", KIND_WINDOW},
    {"SetBadgeFormat", KIND_TITLE},
    {"SetColors", KIND_COLOURS},
    {"CurrentDir", KIND_LINKS},
    {"RemoteHost", KIND_LINKS},
    {"SetMark", KIND_LINKS},
    {"ShellIntegrationVersion", KIND_LINKS},
};
static const char *const iterm_questions[] = {"ReportCellSize", "ReportVariable=", "Capabilities", "RequestUpload"};

// Some bytes of a text that somebody else keeps.
struct span {
  const uint8_t *at;
  size_t length;
};

static bool begins(struct span text, const char *with) {
  size_t length = strlen(with);
  return text.length >= length && memcmp(text.at, with, length) == 0;
}
static bool equals(struct span text, const char *other) { return text.length == strlen(other) && begins(text, other); }
static bool ends(struct span text, const char *with) {
  size_t length = strlen(with);
  return text.length >= length && memcmp(text.at + text.length - length, with, length) == 0;
}
static const uint8_t *find(struct span text, const char *what) {
  return memmem(text.at, text.length, what, strlen(what));
}

static struct span from(struct span text, size_t start) { return (struct span){text.at + start, text.length - start}; }

static struct span up_to(struct span text, uint8_t separator) {
  const uint8_t *end = text.length ? memchr(text.at, separator, text.length) : NULL;
  return (struct span){text.at, end ? (size_t)(end - text.at) : text.length};
}

// Takes the next part of a list; false behind the last. An empty list has one empty part.
static bool next_part(struct span *rest, uint8_t separator, struct span *part) {
  if (!rest->at) return false;
  *part = up_to(*rest, separator);
  *rest = part->length < rest->length ? from(*rest, part->length + 1) : (struct span){NULL, 0};
  return true;
}

static bool next_word(struct span *rest, struct span *word) { return next_part(rest, ';', word); }

// The digits at the beginning as a number; one that is longer than any of the table is none of it.
static size_t number_at(struct span text, uint32_t *number) {
  size_t i = 0;
  *number = 0;
  for (; i < text.length && is_digit(text.at[i]); i++)
    if (*number < 1000000) *number = *number * 10 + (uint32_t)(text.at[i] - '0');
  return i;
}

static const struct osc_rule *rule_of(uint32_t number) {
  for (size_t i = 0; i < sizeof osc_rules / sizeof *osc_rules; i++)
    if (number >= osc_rules[i].first && number <= osc_rules[i].last) return &osc_rules[i];
  return NULL;
}

bool osc_may_ask(const uint8_t *digits, size_t length) {
  uint32_t number;
  const struct osc_rule *rule =
      length > 0 && number_at((struct span){digits, length}, &number) == length ? rule_of(number) : NULL;
  return rule && rule->asking != ASKS_NOTHING;
}

// p=? or p=alive, a=…report, c=1
static bool notification_asks(struct span parameters) {
  if (find(parameters, "p=?") || find(parameters, "p=alive") || find(parameters, "c=1")) return true;
  // once for each parameter, from its first "a=" on: a program may write as many of those as it likes
  for (struct span part; next_part(&parameters, ':', &part);) {
    const uint8_t *action = find(part, "a=");
    if (action && find(from(part, (size_t)(action - part.at)), "report")) return true;
  }
  return false;
}

bool osc_asks(const uint8_t *bytes, size_t length) {
  struct span text = {bytes, length}, words, word;
  uint32_t number;
  size_t digits = number_at(text, &number);
  const struct osc_rule *rule = digits > 0 ? rule_of(number) : NULL;
  if (!rule || rule->asking == ASKS_NOTHING) return false;
  bool ended = digits == length;
  if (!ended && bytes[digits] != ';') return false;
  if (rule->asking == ASKS_ALWAYS) return true;
  if (ended) return false;
  words = from(text, digits + 1);
  switch (rule->asking) {
    case ASKS_FIRST:
      return begins(words, "?");
    case ASKS_SECOND:
      return next_word(&words, &word) && words.at && begins(words, "?");
    case ASKS_BY_PARAMETER:
      return notification_asks(up_to(words, ';'));
    case ASKS_BY_WORD:
      for (size_t i = 0; i < sizeof iterm_questions / sizeof *iterm_questions; i++)
        if (begins(words, iterm_questions[i])) return true;
      return false;
    case ASKS_BY_KEY:
      while (next_word(&words, &word))
        if (!ends(word, "=?")) return false;
      return true;
    case ASKS_IN_PAIRS: {
      size_t count = 0;
      for (; next_word(&words, &word); count++)
        if (count % 2 == 1 && !equals(word, "?")) return false;
      return count > 1;
    }
    default:
      while (next_word(&words, &word))
        if (!equals(word, "?")) return false;
      return true;
  }
}

// OSC 9 is a notification, or with a number ConEmu's: progress (4) and directory (9) of many, one of which
// runs macros.
static enum sequence_kind kind_of_nine(struct span words, bool ended) {
  uint32_t number;
  size_t digits = number_at(words, &number);
  bool whole = digits == words.length;
  if (digits == 0 || digits > 2 || (!whole && words.at[digits] != ';'))
    return words.length == 0 && !ended ? KIND_OPEN : KIND_NOTIFICATION;
  if (whole && !ended) return KIND_OPEN;
  bool one = digits == 1;
  return one && number == 4 ? KIND_NOTIFICATION : one && number == 9 ? KIND_LINKS : KIND_BLOCKED;
}

static bool is_word(uint8_t byte) {
  return is_digit(byte) || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '_';
}

static enum sequence_kind kind_of_iterm(struct span words, bool ended) {
  struct span word = {words.at, 0};
  while (word.length < words.length && is_word(words.at[word.length])) word.length++;
  if (word.length == words.length && !ended) return KIND_OPEN;
  for (size_t i = 0; i < sizeof iterm_words / sizeof *iterm_words; i++)
    if (equals(word, iterm_words[i].word)) return iterm_words[i].kind;
  return KIND_BLOCKED;
}

enum sequence_kind osc_kind(const uint8_t *bytes, size_t length, bool ended) {
  struct span text = {bytes, length};
  uint32_t number;
  size_t digits = number_at(text, &number);
  // dtterm's titles have a letter instead of a number
  if (digits == 0 && length > 0) return *bytes == 'l' || *bytes == 'L' || *bytes == 'I' ? KIND_TITLE : KIND_BLOCKED;
  if (digits == length && !ended) return KIND_OPEN;
  if (digits == 0 || (digits < length && bytes[digits] != ';')) return KIND_BLOCKED;
  struct span words = digits < length ? from(text, digits + 1) : (struct span){bytes, 0};
  if (number == 9) return kind_of_nine(words, ended);
  if (number == 777) {
    if (begins(words, "notify") && (words.length == 6 || words.at[6] == ';')) return KIND_NOTIFICATION;
    return words.length > 6 || ended ? KIND_BLOCKED : KIND_OPEN;
  }
  if (number == 1337) return kind_of_iterm(words, ended);
  const struct osc_rule *rule = rule_of(number);
  return rule ? (enum sequence_kind)rule->kind : KIND_BLOCKED;
}

// ---- device control strings

enum sequence_kind dcs_kind(const uint8_t *head, size_t length) {
  size_t i = 0;
  while (i < length && (is_digit(head[i]) || head[i] == ';')) i++;
  if (i + 1 == length && head[i] == 'q') return KIND_IMAGES;  // sixel
  if (i + 1 == length && head[i] == '|') return KIND_KEYS;    // DECUDK
  // synchronized output, as some terminals write it; every other one writes to a function key, a macro or the
  // terminal around this one
  if (length < 2 || head[0] != '=' || head[length - 1] != 's') return KIND_BLOCKED;
  for (i = 1; i + 1 < length; i++)
    if (!is_digit(head[i])) return KIND_BLOCKED;
  return KIND_DRAWS;
}
