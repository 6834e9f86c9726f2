/*
 * The program that writes: plain log text, coloured UTF-8, or falcon's footer pattern, as fast as the
 * terminal takes it.
 *   flood KIND BYTES [--report FILE] [--end TEXT] [--forever] [--interrupts FILE]
 * Shows `flood waits`, writes `pid N` to FILE and waits for SIGUSR1; then `start NS`, the flood, TEXT, `end
 * NS` (all was taken by
 * the terminal), and stays until it is hung up on. --forever never ends; --interrupts: each SIGINT's time
 * goes into that shared file.
 */
#include "drive.h"

enum { blockSize = 1 << 20, chunk = 1 << 16 };
static char block[blockSize + 4096];
static size_t used;
static uint64_t seed = 1;

static unsigned dice(unsigned sides) {
  seed = seed * 6364136223846793005ull + 1442695040888963407ull;
  return (unsigned)(seed >> 33) % sides;
}

#define add(...) (used += (size_t)sprintf(block + used, __VA_ARGS__))

/* A line of falcon's log: 70 to 110 columns. */
static void plain(void) {
  static unsigned epoch;
  add("2026-02-06T08:%02u:%02u [INFO] node%u: Epoch %u/300 | loss=-%u.%05u, val_loss=-%u.%05u, lr=0.%05u%.*s\n", dice(60), dice(60), dice(4),
      epoch++ % 300, dice(9), dice(100000), dice(9), dice(100000), dice(100000), (int)dice(22), ", buffer swapped at end");
}

/* A line of words in 256 and true colours, with accents, Greek, boxes, CJK and emoji: 40 to 100 columns. */
static void colour(void) {
  static const char *words[] = {"épargne", "θ₁=0.31", "│ posterior │", "収束した", "βήτα", "→ 12 %", "▁▂▃▅▇", "naïve", "σ²", "训练", "loss", "✓", "prior", "🦅"};
  unsigned n = 4 + dice(6);
  for (unsigned i = 0; i < n; i++) {
    if (dice(2)) add("\x1b[38;5;%um", dice(256));
    else add("\x1b[38;2;%u;%u;%um", dice(256), dice(256), dice(256));
    if (dice(4) == 0) add("\x1b[1m");
    add("%s", words[dice(14)]);
    add("\x1b[0m ");
  }
  add("\n");
}

// What falcon writes for one log line: the line in the region, then the whole footer by absolute moves
// (120x50, 20 rows of footer).
static void footer(void) {
  plain();
  block[used - 1] = '\r';
  add("\n\x1b[s");
  for (int row = 31; row <= 50; row++) {
    add("\x1b[%d;1H\x1b[K", row);
    if (row == 31 || row == 33) {
      add("\x1b[36m");
      for (int i = 0; i < 118; i++) add("─");
      add("\x1b[0m");
    } else if (row == 32) {
      add("\x1b[7m node0: training epoch %u loss -2.%03u \x1b[0m\x1b[2m node1: sampling sims %u \x1b[0m", dice(300), dice(1000), dice(100000));
    } else if (row == 50) {
      add("\x1b[7m j/k: node   Ctrl+C: stop \x1b[0m");
    } else {
      plain();
      used--;
    }
  }
  add("\x1b[u");
}

static volatile sig_atomic_t begun;
static void on_begin(int number) {
  (void)number;
  begun = 1;
}

static volatile uint64_t *interrupts;
static void on_interrupt(int number) {
  (void)number;
  uint64_t n = interrupts[0];
  interrupts[1 + n % 500] = now_ns();
  interrupts[0] = n + 1;
}

#define write_text(text) write_all(text, strlen(text))
static void write_all(const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t n = write(1, bytes, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) exit(1);
    bytes += n;
    size -= (size_t)n;
  }
}

int main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "flood KIND BYTES …\n"), 2;
  void (*line)(void) = strcmp(argv[1], "plain") == 0 ? plain : strcmp(argv[1], "colour") == 0 ? colour : strcmp(argv[1], "footer") == 0 ? footer : NULL;
  if (!line) return fprintf(stderr, "flood: no such kind: %s\n", argv[1]), 2;
  uint64_t bytes = strtoull(argv[2], NULL, 10);
  const char *end = "";
  int report = -1, forever = 0;
  for (int i = 3; i < argc; i++) {
    if (strcmp(argv[i], "--report") == 0) report = open(argv[++i], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    else if (strcmp(argv[i], "--end") == 0) end = argv[++i];
    else if (strcmp(argv[i], "--forever") == 0) forever = 1;
    else if (strcmp(argv[i], "--interrupts") == 0) {
      int fd = open(argv[++i], O_RDWR | O_CREAT, 0600);
      if (fd < 0 || ftruncate(fd, 4096) < 0) die(argv[i]);
      interrupts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      if (interrupts == MAP_FAILED) die("mmap");
    }
  }
  struct sigaction action = {.sa_handler = on_begin};
  sigaction(SIGUSR1, &action, NULL);
  if (interrupts) {
    struct sigaction interrupt = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &interrupt, NULL);
  }
  while (used < blockSize - 16384) line();
  sigset_t mask, before;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  sigprocmask(SIG_BLOCK, &mask, &before);
  write_text("flood waits\r\n");
  dprintf(report, "pid %d\n", (int)getpid());
  while (!begun) sigsuspend(&before);
  if (line == footer) write_text("\x1b[?1049h\x1b[?25l\x1b[2J\x1b[1;30r\x1b[1;1H");
  dprintf(report, "start %llu\n", (unsigned long long)now_ns());
  for (uint64_t done = 0; forever || done < bytes;) {
    for (size_t at = 0; at < used && (forever || done < bytes);) {
      size_t n = used - at < chunk ? used - at : chunk;
      write_all(block + at, n);
      at += n;
      done += n;
    }
  }
  write_text("\x1b[0m\r\n");
  write_text(end);
  dprintf(report, "end %llu\n", (unsigned long long)now_ns());
  for (;;) pause();
}
