/*
 * A terminal that reads as fast as it can and draws nothing: runs a command in a pty and says when what was
 * looked for came.
 *   viewer [--size CxR] [--until TEXT | --tokens FILE] [--leave] -- COMMAND…
 * Prints `start NS` (before the fork), `first NS` (first byte), `complete NS` (TEXT, or every line of FILE,
 * has been seen),
 * `end NS BYTES STATUS`. Goes when the command ends, on SIGTERM, or with --leave as soon as it is complete:
 * it closes the pty, as a lost line does.
 * On SIGUSR1 it prints `bytes NS N SILENCE`: what has arrived so far, and the longest time (ns) in which
 * nothing came since it was asked last.
 */
#define _GNU_SOURCE
#include "drive.h"

static volatile sig_atomic_t leave, count;
static void on(int number) {
  if (number == SIGUSR1) count = 1;
  else leave = 1;
}

static char *tokens[512];
static int open_tokens;
static size_t longest;

static void add_token(char *text) {
  if (open_tokens == 512) die("too many tokens");
  tokens[open_tokens++] = text;
  if (strlen(text) > longest) longest = strlen(text);
}

static void load(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) die(path);
  char line[1024];
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = 0;
    if (*line) add_token(strdup(line));
  }
  fclose(file);
}

int main(int argc, char **argv) {
  int cols = 120, rows = 50, i, leave_at_once = 0;
  for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
    if (strcmp(argv[i], "--size") == 0) parse_size(argv[++i], &cols, &rows);
    else if (strcmp(argv[i], "--until") == 0) add_token(argv[++i]);
    else if (strcmp(argv[i], "--tokens") == 0) load(argv[++i]);
    else if (strcmp(argv[i], "--leave") == 0) leave_at_once = 1;
    else return fprintf(stderr, "viewer: what is %s?\n", argv[i]), 2;
  }
  if (i + 1 >= argc) return fprintf(stderr, "viewer: no command\n"), 2;
  struct sigaction action = {.sa_handler = on};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGUSR1, &action, NULL);
  setvbuf(stdout, NULL, _IOLBF, 4096);

  int wanted = open_tokens;
  uint64_t start = now_ns();
  pid_t child;
  int master = run_in_pty(argv + i + 1, cols, rows, &child, 0);
  printf("start %llu\npid %d\n", (unsigned long long)start, (int)child);

  /* `buffer` begins with the end of what came before, so that a token cut in two is found. */
  static char buffer[4096 + (1 << 16)];
  size_t kept = 0;
  uint64_t bytes = 0, came = start, silence = 0;
  while (!leave) {
    ssize_t n = read(master, buffer + kept, 1 << 16);
    uint64_t now = now_ns();
    if (now - came > silence) silence = now - came;
    came = now;
    if (count) {
      count = 0;
      printf("bytes %llu %llu %llu\n", (unsigned long long)now, (unsigned long long)bytes, (unsigned long long)silence);
      silence = 0;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    if (bytes == 0) printf("first %llu\n", (unsigned long long)now_ns());
    bytes += (uint64_t)n;
    if (open_tokens == 0) continue;
    size_t size = kept + (size_t)n;
    for (int t = 0; t < open_tokens;) {
      if (memmem(buffer, size, tokens[t], strlen(tokens[t]))) tokens[t] = tokens[--open_tokens];
      else t++;
    }
    if (open_tokens == 0 && wanted > 0) {
      printf("complete %llu\n", (unsigned long long)now_ns());
      if (leave_at_once) break;
    }
    kept = size < longest ? size : longest;
    memmove(buffer, buffer + size - kept, kept);
  }
  close(master);
  /* A program that ignores the hang-up must not keep us: after two seconds it is killed. */
  int status = 0;
  for (int waited = 0; waitpid(child, &status, WNOHANG) == 0; waited++) {
    if (waited == 2000) kill(child, SIGKILL);
    usleep(1000);
  }
  printf("end %llu %llu %d\n", (unsigned long long)now_ns(), (unsigned long long)bytes,
         WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 0;
}
