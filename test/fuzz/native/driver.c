// The loop around a fuzz target in C: mutates inputs, keeps those that reach new edges of the code under test
// (which the compiler instruments, -fsanitize-coverage=trace-pc; gcc and clang both have it), and counts work
// in edges, so that a hang is one on every machine.
//
//   driver --inputs N --seconds S --seed K --current FILE [--words FILE] [SEED ...]     fuzz
//   driver --replay FILE ...                                                             try these inputs
//
// The input at hand always stands in the file of --current: when the process ends badly, that is the input to
// keep. The last line of stdout is `done INPUTS CORPUS EDGES`. This file itself is built without
// instrumentation.
#include "driver.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
  MAP_SIZE = 1 << 16,
  // Two thirds of it are frames: enough for several, small enough for thousands of inputs a second.
  LONGEST = 1 << 13,
  MOST_KEPT = 4096,
  MOST_WORDS = 256,
  // Edges that one input may cross: a thousand times what the longest honest one needs.
  MOST_STEPS = 200 * 1000 * 1000,
};

static uint8_t hits[MAP_SIZE], seen[MAP_SIZE];
static uint64_t steps;
static uint64_t random_state;

struct input {
  uint8_t *bytes;
  size_t length;
};
static struct input kept[MOST_KEPT], words[MOST_WORDS];
static size_t kept_count, word_count;
static uint8_t *current;  // u32 length, bytes

void __sanitizer_cov_trace_pc(void) {
  uintptr_t place = (uintptr_t)__builtin_return_address(0);
  static __thread uintptr_t before;
  uintptr_t edge = (place ^ (place >> 16) ^ before) & (MAP_SIZE - 1);
  before = (place >> 1) & (MAP_SIZE - 1);
  if (hits[edge] < 255) hits[edge]++;
  if (++steps > MOST_STEPS) {
    fprintf(stderr, "the input does not come to an end\n");
    abort();
  }
}

void fuzz_require(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "broken promise: %s\n", what);
  abort();
}

static uint32_t random_bits(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (uint32_t)(random_state >> 16);
}
static size_t below(size_t limit) { return limit == 0 ? 0 : random_bits() % limit; }

static void *copied(const void *bytes, size_t length) {
  void *copy = malloc(length + 1);
  if (!copy) abort();
  memcpy(copy, bytes, length);
  return copy;
}

// How often an edge was crossed, as one of eight bits: once, twice, three times, up to 7, 15, 31, 127, more.
static uint8_t bucket(uint8_t count) {
  return count == 0 ? 0 : count == 1 ? 1 : count == 2 ? 2 : count == 3 ? 4 : count < 8 ? 8 : count < 16 ? 16 : count < 32 ? 32 : count < 128 ? 64 : 128;
}

static bool is_new(void) {
  bool found = false;
  for (size_t i = 0; i < MAP_SIZE; i++) {
    if (!hits[i]) continue;
    uint8_t bit = bucket(hits[i]);
    if (seen[i] & bit) continue;
    seen[i] |= bit;
    found = true;
  }
  return found;
}

static void attempt(const uint8_t *bytes, size_t length) {
  memset(hits, 0, sizeof hits);
  steps = 0;
  if (current) {
    uint32_t size = (uint32_t)length;
    memcpy(current, &size, sizeof size);
    memcpy(current + 4, bytes, length);
  }
  // in a block of its own size, so that reading past it is noticed
  uint8_t *exact = copied(bytes, length);
  uint8_t *guarded = length ? realloc(exact, length) : exact;
  fuzz_one(guarded ? guarded : exact, length);
  free(guarded ? guarded : exact);
}

static void keep(const uint8_t *bytes, size_t length) {
  size_t at = kept_count < MOST_KEPT ? kept_count++ : below(MOST_KEPT);
  free(kept[at].bytes);
  kept[at] = (struct input){copied(bytes, length), length};
}

static size_t spliced(uint8_t *bytes, size_t length, size_t at, size_t removed, const uint8_t *added, size_t count) {
  if (removed > length - at) removed = length - at;
  if (length - removed + count > LONGEST) return length;
  uint8_t *copy = copied(added, count);
  memmove(bytes + at + count, bytes + at + removed, length - at - removed);
  memcpy(bytes + at, copy, count);
  free(copy);
  return length - removed + count;
}

static size_t change(uint8_t *bytes, size_t length) {
  static const uint32_t numbers[] = {0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0xfffff, 0x100000, 0x100001, 0x7fffffff, 0x80000000, 0xffffffff};
  size_t at = below(length + 1), some = (size_t)1 << below(8);
  switch (below(word_count ? 11 : 9)) {
    case 0:
      if (at < length) bytes[at] ^= (uint8_t)(1 << below(8));
      return length;
    case 1:
      if (at < length) bytes[at] = (uint8_t)random_bits();
      return length;
    case 2:
      if (at < length) bytes[at] += (uint8_t)(below(17) - 8);
      return length;
    case 3: {
      uint32_t noise[2] = {random_bits(), random_bits()};
      return spliced(bytes, length, at, 0, (uint8_t *)noise, 1 + below(8));
    }
    case 4:
      return spliced(bytes, length, at, some, bytes, 0);
    case 5:
      return spliced(bytes, length, at, 0, bytes + at, some > length - at ? length - at : some);
    case 6: {
      size_t from = below(length + 1);
      return spliced(bytes, length, at, below(2) ? some : 0, bytes + from, some > length - from ? length - from : some);
    }
    case 7: {
      uint32_t number = numbers[below(sizeof numbers / sizeof *numbers)];
      if (at + 4 <= length) memcpy(bytes + at, &number, 4);
      return length;
    }
    case 8: {
      struct input *other = &kept[below(kept_count)];
      size_t from = below(other->length + 1), count = other->length - from;
      return spliced(bytes, length, at, below(2) ? length : 0, other->bytes + from, count > some * 16 ? some * 16 : count);
    }
    default: {
      struct input *word = &words[below(word_count)];
      return spliced(bytes, length, at, below(2) ? word->length : 0, word->bytes, word->length);
    }
  }
}

static struct input read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  static uint8_t bytes[LONGEST];
  if (!file) {
    perror(path);
    exit(2);
  }
  size_t length = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  return (struct input){copied(bytes, length), length};
}

// One word a line, with \xHH for what cannot be written.
static void read_words(const char *path) {
  char line[256];
  FILE *file = fopen(path, "r");
  while (file && word_count < MOST_WORDS && fgets(line, sizeof line, file)) {
    uint8_t bytes[256];
    size_t length = 0;
    for (char *at = line; *at && *at != '\n'; at++) {
      unsigned value = (unsigned char)*at;
      if (at[0] == '\\' && at[1] == 'x' && sscanf(at + 2, "%2x", &value) == 1) at += 3;
      bytes[length++] = (uint8_t)value;
    }
    if (length > 0) words[word_count++] = (struct input){copied(bytes, length), length};
  }
  if (file) fclose(file);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static long resident(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

int main(int count, char **arguments) {
  uint64_t inputs = 1000000, done = 0;
  double seconds = 1e9, begin = now();
  random_state = 88172645463325252ull;
  for (int i = 1; i < count; i++) {
    const char *name = arguments[i], *value = i + 1 < count ? arguments[i + 1] : "";
    if (!strcmp(name, "--replay")) {
      for (i++; i < count; i++) {
        struct input input = read_file(arguments[i]);
        fprintf(stderr, "%s\n", arguments[i]);
        attempt(input.bytes, input.length);
        free(input.bytes);
      }
      return 0;
    }
    if (!strncmp(name, "--", 2)) i++;
    if (!strcmp(name, "--inputs")) inputs = strtoull(value, NULL, 10);
    else if (!strcmp(name, "--seconds")) seconds = atof(value);
    else if (!strcmp(name, "--seed")) random_state ^= strtoull(value, NULL, 10) * 0x9e3779b97f4a7c15ull;
    else if (!strcmp(name, "--words")) read_words(value);
    else if (!strcmp(name, "--current")) {
      int fd = open(value, O_RDWR | O_CREAT | O_TRUNC, 0600);
      if (fd < 0 || ftruncate(fd, LONGEST + 4) < 0) return 2;
      current = mmap(NULL, LONGEST + 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      if (current == MAP_FAILED) return 2;
    } else if (kept_count < MOST_KEPT) {
      kept[kept_count++] = read_file(name);
    }
  }
  if (kept_count == 0) keep((const uint8_t *)"", 0);
  size_t seeds = kept_count;
  for (size_t i = 0; i < seeds; i++, done++) {
    attempt(kept[i].bytes, kept[i].length);
    is_new();
  }
  static uint8_t bytes[LONGEST + 1];
  long before = 0;
  while (done < inputs && (done % 256 || now() - begin < seconds)) {
    struct input *base = &kept[below(kept_count)];
    size_t length = base->length;
    memcpy(bytes, base->bytes, length);
    for (int left = 1 << below(6); left > 0; left--) length = change(bytes, length);
    attempt(bytes, length);
    done++;
    if (is_new()) keep(bytes, length);
    if (done == 20000) before = resident();
  }
  // the corpus is at most MOST_KEPT times LONGEST bytes; what the target keeps of each input would be more
  if (before > 0 && resident() - before > 600 * 1024) fuzz_require(false, "memory does not grow");
  size_t edges = 0;
  for (size_t i = 0; i < MAP_SIZE; i++) edges += seen[i] != 0;
  printf("done %llu %zu %zu\n", (unsigned long long)done, kept_count, edges);
  return 0;
}
