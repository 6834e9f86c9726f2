// Uses known amounts: uses PRIVATE_MB SHARED_MB CHILDREN CPU_SECONDS HOLD_SECONDS WRITE_MB FILE
// Each child touches PRIVATE_MB of its own and all of one shared mapping; the first one burns CPU_SECONDS;
// then all hold. At the end its getrusage of
// itself and its children, in seconds, is printed.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

static double used(int who) {
  struct rusage usage;
  getrusage(who, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(int count, char **words) {
  if (count != 8) return 2;
  size_t own = (size_t)atoi(words[1]) << 20, common = (size_t)atoi(words[2]) << 20;
  int children = atoi(words[3]), hold = atoi(words[5]), megabytes = atoi(words[6]);
  double cpu = atof(words[4]);
  char *shared = common == 0 ? NULL : mmap(NULL, common, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int ready[2];
  if (shared == MAP_FAILED || pipe(ready) != 0) return 1;
  for (int i = 0; i < children; i++) {
    if (fork() != 0) continue;
    char *mine = malloc(own + 1);
    if (mine == NULL) return 1;
    memset(mine, i + 1, own);
    if (shared != NULL) memset(shared, i + 1, common);
    if (write(ready[1], "x", 1) != 1) return 1;
    if (i == 0)
      for (volatile unsigned long n = 0; used(RUSAGE_SELF) < cpu; n++) {}
    sleep((unsigned)hold);
    return mine[own] == 99;
  }
  char byte;
  for (int i = 0; i < children; i++)
    if (read(ready[0], &byte, 1) != 1) return 1;
  if (megabytes > 0) {
    static char block[1 << 20];
    int fd = open(words[7], O_WRONLY | O_CREAT, 0600);
    for (int i = 0; i < megabytes; i++)
      if (write(fd, block, sizeof block) != sizeof block) return 1;
    fsync(fd);
    close(fd);
  }
  printf("ready\n");
  fflush(stdout);
  while (wait(NULL) > 0) {}
  printf("used %.3f\n", used(RUSAGE_SELF) + used(RUSAGE_CHILDREN));
  return 0;
}
