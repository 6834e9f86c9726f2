/*
 * Times from a key typed into a terminal until it shows: runs a command (an attached `echo`) in a pty.
 *   echo_latency [--size CxR] [--ready TEXT] [--count N] [--gap µs] -- COMMAND…
 * Prints one time in ns a line, and `lost` for a key that did not show within two seconds.
 */
#define _GNU_SOURCE
#include "drive.h"

static int master;
static char buffer[1 << 16];

/* Reads for at most `us`; answers the time at which `key` (or `text`) was seen, 0 if it was not. */
static uint64_t look(char key, const char *text, int64_t us) {
  static char recent[(1 << 16) + 64];
  static size_t kept;
  uint64_t deadline = now_ns() + (uint64_t)us * 1000;
  for (;;) {
    uint64_t now = now_ns();
    if (now >= deadline) return 0;
    struct timespec wait = {.tv_sec = (time_t)((deadline - now) / 1000000000u), .tv_nsec = (long)((deadline - now) % 1000000000u)};
    struct pollfd in = {.fd = master, .events = POLLIN};
    if (ppoll(&in, 1, &wait, NULL) <= 0) continue;
    ssize_t n = read(master, buffer, sizeof buffer);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n <= 0) {
      fprintf(stderr, "the command ended\n");
      exit(1);
    }
    if (key && memchr(buffer, key, (size_t)n)) return now_ns();
    if (text) {
      memcpy(recent + kept, buffer, (size_t)n);
      size_t size = kept + (size_t)n;
      if (memmem(recent, size, text, strlen(text))) return now_ns();
      kept = size < 63 ? size : 63;
      memmove(recent, recent + size - kept, kept);
    }
  }
}

int main(int argc, char **argv) {
  int cols = 120, rows = 50, i, count = 1000;
  int64_t gap = 2000;
  const char *ready = "echo waits";
  for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
    if (strcmp(argv[i], "--size") == 0) parse_size(argv[++i], &cols, &rows);
    else if (strcmp(argv[i], "--ready") == 0) ready = argv[++i];
    else if (strcmp(argv[i], "--count") == 0) count = atoi(argv[++i]);
    else if (strcmp(argv[i], "--gap") == 0) gap = atol(argv[++i]);
  }
  if (i + 1 >= argc) return 2;
  pid_t child;
  master = run_in_pty(argv + i + 1, cols, rows, &child, 1);
  if (*ready && !look(0, ready, 10000000)) return fprintf(stderr, "never ready\n"), 1;
  look(0, NULL, 300000); /* the rest of what an attach sends */
  uint64_t *times = calloc((size_t)count, sizeof *times);
  /* None of these stands in an escape sequence or in the flood. */
  static const char keys[] = "#@%&~^!$";
  for (int n = 0; n < count; n++) {
    char key = keys[n % 8];
    uint64_t sent = now_ns();
    while (write(master, &key, 1) != 1) {
      if (errno != EAGAIN && errno != EINTR) die("write");
      look(0, NULL, 100);
    }
    uint64_t seen = look(key, NULL, 2000000);
    times[n] = seen ? seen - sent : 0;
    /* Not in step with anything: the gap varies by half. */
    look(0, NULL, gap + (int64_t)((unsigned)n * 7919u % 1000u) * gap / 2000);
  }
  for (int n = 0; n < count; n++) {
    if (times[n]) printf("%llu\n", (unsigned long long)times[n]);
    else printf("lost\n");
  }
  close(master);
  int status;
  for (int waited = 0; waitpid(child, &status, WNOHANG) == 0; waited++) {
    if (waited == 2000) kill(child, SIGKILL);
    usleep(1000);
  }
  return 0;
}
