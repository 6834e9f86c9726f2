// Leaves a child behind that keeps the terminal open and says nothing until it is killed; writes its pid,
// ends with status 4.
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  signal(SIGHUP, SIG_IGN); /* before the fork: the parent's end hangs up on what is still in its session */
  pid_t child = fork();
  if (child == 0) {
    setsid();
    for (;;) pause();
  }
  printf("child %d\n", (int)child);
  return 4;
}
