/* Counts SIGINT and SIGTERM and does not end by them; ends with status 7 at the N-th (argument, 0: never).
   With a second argument it looks for them once in so many ms: several that come between are one, as to
   Python in a long call. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t interrupts, terminations;
static void on(int number) {
  if (number == SIGINT) interrupts++;
  else terminations++;
}

int main(int argc, char **argv) {
  int last = argc > 1 ? atoi(argv[1]) : 0, busy = argc > 2 ? atoi(argv[2]) : 0, seen = 0;
  struct sigaction action = {.sa_handler = on};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigset_t both, none;
  sigemptyset(&none);
  sigemptyset(&both);
  sigaddset(&both, SIGINT);
  sigaddset(&both, SIGTERM);
  sigprocmask(SIG_BLOCK, &both, NULL);
  printf("stubborn %d\n", (int)getpid());
  fflush(stdout);
  for (;;) {
    if (busy > 0) {
      usleep(busy * 1000);
      sigprocmask(SIG_UNBLOCK, &both, NULL);
      sigprocmask(SIG_BLOCK, &both, NULL);
      if (interrupts + terminations == seen) continue;
      seen = interrupts + terminations;
    } else sigsuspend(&none);
    printf("interrupts %d terminations %d\n", (int)interrupts, (int)terminations);
    fflush(stdout);
    if (last > 0 && interrupts + terminations >= last) return 7;
  }
}
