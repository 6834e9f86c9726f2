// Signals to the client: told to the server, obeyed, or the end.
#include "client/client.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "client/direct.h"
#include "client/terminal.h"

static void on_signal(int number) {
  int kept = errno;
  uint8_t byte = (uint8_t)number;
  if (os_write(client.signal_pipe[1], &byte, 1) < 0) {}  // a full pipe has enough to wake us
  errno = kept;
}

static void on_crash(int number) {
  terminal_crash();
  os_signal(number, SIG_DFL);
  os_raise(number);
}

static void handle(int number, void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler};
  sigemptyset(&action.sa_mask);
  os_sigaction(number, &action, NULL);
}

void client_catch_signals(void) {
  static const int deadly[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU};
  static const int told[] = {SIGWINCH, SIGCONT, SIGTSTP};
  static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  struct sigaction old;
  if (os_pipe(client.signal_pipe) < 0) client_die("no pipe for signals: %s", strerror(errno));
  for (int i = 0; i < 2; i++) os_set_own(client.signal_pipe[i]);
  for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
    // what the caller has switched off (nohup) stays off
    os_sigaction(deadly[i], NULL, &old);
    if (old.sa_handler != SIG_IGN) handle(deadly[i], on_signal);
  }
  for (size_t i = 0; i < sizeof told / sizeof *told; i++) handle(told[i], on_signal);
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) handle(crashes[i], on_crash);
  os_sigaction(SIGPIPE, NULL, &old);
  client.pipe_was_ignored = old.sa_handler == SIG_IGN;
  handle(SIGPIPE, SIG_IGN);
}

void client_restore_sigpipe(void) {
  if (!client.pipe_was_ignored) handle(SIGPIPE, SIG_DFL);
}

static void continued(void) {
  if (client.input_mode == INPUT_RAW) terminal_raw();
  // before the greeting there is nothing on the terminal that could have been lost
  client.tell_size = true;
  client.tell_continued = client.greeted;
}

static void obey_signal(int number);

static void stop(void) {
  uint8_t bytes[64];
  // the server draws everything again once we go on
  direct_stop(!client.orphan);
  terminal_leave(client.out_left > 0 || !direct_at_rest());
  client.left_terminal = client.greeted;
  handle(SIGTSTP, SIG_DFL);
  os_raise(SIGTSTP);
  // somebody has continued us, or nobody is there who could have
  handle(SIGTSTP, on_signal);
  // what else came while we stood still: `kill` of a stopped job is a SIGTERM and a SIGCONT
  for (ssize_t count; (count = os_read(client.signal_pipe[0], bytes, sizeof bytes)) > 0;)
    for (ssize_t i = 0; i < count; i++)
      if (bytes[i] != SIGCONT && bytes[i] != SIGTSTP) obey_signal(bytes[i]);
  continued();
}

static void obey_signal(int number) {
  switch (number) {
    case SIGWINCH:
      client.tell_size = true;
      return;
    case SIGTSTP:
      stop();
      return;
    case SIGHUP:
    case SIGINT:
    case SIGTERM:
    case SIGUSR1:
    case SIGUSR2:
      if (!client.forward_signals || client_unsent() >= UNSENT_MOST) break;
      client_send(TO_SIGNAL, &(uint8_t){(uint8_t)number}, 1);
      return;
  }
  client_leave(128 + number);
}

void client_take_signals(void) {
  uint8_t bytes[64];
  bool woken = false;
  for (ssize_t count; (count = os_read(client.signal_pipe[0], bytes, sizeof bytes)) > 0;)
    for (ssize_t i = 0; i < count; i++)
      if (bytes[i] == SIGCONT) woken = true;
      else obey_signal(bytes[i]);
  // last: in the background, touching the terminal stops us, and a signal that ends us comes first
  if (woken) continued();
}
