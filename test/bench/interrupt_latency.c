/*
 * Times from Ctrl+C typed into a terminal until the flooding program has its SIGINT: runs a command (an
 * attached `flood --forever
 * --interrupts FILE`, already begun, or begun by us with --begin PIDFILE) in a pty and reads everything that
 * comes.
 *   interrupt_latency [--size CxR] [--count N] [--report FILE] --interrupts FILE -- COMMAND…
 * Sends SIGUSR1 to the pid in the report when the command has shown something. Prints one time in ns a line,
 * or `lost`.
 */
#include "drive.h"

static int master;
static void drain(int64_t us, volatile uint64_t *count, uint64_t past) {
  static char buffer[1 << 16];
  uint64_t deadline = now_ns() + (uint64_t)us * 1000;
  while (now_ns() < deadline) {
    if (count && *count > past) return;
    struct pollfd in = {.fd = master, .events = POLLIN};
    if (poll(&in, 1, 1) > 0 && read(master, buffer, sizeof buffer) == 0) {
      fprintf(stderr, "the command ended\n");
      exit(1);
    }
  }
}

static int pid_of(const char *report) {
  for (int tries = 0; tries < 10000; tries++) {
    int pid = 0;
    FILE *file = fopen(report, "r");
    if (file) {
      if (fscanf(file, "pid %d", &pid) != 1) pid = 0;
      fclose(file);
    }
    if (pid) return pid;
    drain(1000, NULL, 0);
  }
  fprintf(stderr, "no pid in %s\n", report);
  exit(1);
}

int main(int argc, char **argv) {
  int cols = 120, rows = 50, i, count = 50;
  const char *report = NULL, *path = NULL;
  for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
    if (strcmp(argv[i], "--size") == 0) parse_size(argv[++i], &cols, &rows);
    else if (strcmp(argv[i], "--count") == 0) count = atoi(argv[++i]);
    else if (strcmp(argv[i], "--report") == 0) report = argv[++i];
    else if (strcmp(argv[i], "--interrupts") == 0) path = argv[++i];
  }
  if (i + 1 >= argc || !path) return 2;
  pid_t child;
  master = run_in_pty(argv + i + 1, cols, rows, &child, 1);
  int program = report ? pid_of(report) : 0;
  drain(300000, NULL, 0);
  int fd = open(path, O_RDWR);
  if (fd < 0) die(path);
  volatile uint64_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (shared == MAP_FAILED) die("mmap");
  if (program) kill(program, SIGUSR1);
  drain(500000, NULL, 0); /* let the flood fill every queue */
  for (int n = 0; n < count; n++) {
    uint64_t before = shared[0], sent = now_ns();
    while (write(master, "\x03", 1) != 1) {
      if (errno != EAGAIN && errno != EINTR) die("write");
      drain(100, NULL, 0);
    }
    drain(5000000, shared, before);
    if (shared[0] > before) printf("%llu\n", (unsigned long long)(shared[1 + before % 500] - sent));
    else printf("lost\n");
    drain(20000 + (n * 7919) % 10000, NULL, 0);
  }
  close(master);
  int status;
  for (int waited = 0; waitpid(child, &status, WNOHANG) == 0; waited++) {
    if (waited == 2000) kill(child, SIGKILL);
    usleep(1000);
  }
  return 0;
}
