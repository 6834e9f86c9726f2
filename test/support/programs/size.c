/* Prints the terminal's size at the start and at each SIGWINCH. */
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void on(int number) { (void)number; }

int main(void) {
  struct sigaction action = {.sa_handler = on};
  sigaction(SIGWINCH, &action, NULL);
  sigset_t change, none;
  sigemptyset(&none);
  sigemptyset(&change);
  sigaddset(&change, SIGWINCH);
  sigprocmask(SIG_BLOCK, &change, NULL);
  for (;;) {
    struct winsize size;
    ioctl(0, TIOCGWINSZ, &size);
    printf("size %dx%d\n", size.ws_col, size.ws_row);
    fflush(stdout);
    sigsuspend(&none);
  }
}
