/*
 * Times of a command from before its start until it has ended: spawn_times COUNT COMMAND…
 * Its standard input is empty, what it writes is thrown away. Prints `NS STATUS` a line.
 */
#include "drive.h"
#include <spawn.h>

extern char **environ;

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  for (int n = atoi(argv[1]); n > 0; n--) {
    uint64_t start = now_ns();
    pid_t child;
    if ((errno = posix_spawnp(&child, argv[2], &actions, NULL, argv + 2, environ)) != 0) die(argv[2]);
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    printf("%llu %d\n", (unsigned long long)(now_ns() - start), WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  }
  return 0;
}
