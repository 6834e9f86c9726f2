// How the client ends: the terminal as it was, one sentence where it is needed, and the status.
#include "client.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "away.h"
#include "channel.h"
#include "direct.h"
#include "terminal.h"

// Puts the terminal back.
static void give_back(void) {
  direct_stop(false);
  away_title(NULL);
  terminal_leave(client.out_left > 0 || !direct_at_rest());
}

_Noreturn void client_leave(int status) {
  give_back();
  _exit(status);
}

__attribute__((format(printf, 1, 2))) _Noreturn void client_die(const char *format, ...) {
  char text[4096];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  give_back();
  dprintf(2, "%s: %s\n", client.called_as, text);
  _exit(STATUS_OURS);
}

_Noreturn void client_leave_frozen(void) {
  give_back();
  const char *name = client.called_as;
  if (channel_is_used())
    dprintf(2, "%s: nothing is heard from %s, so this terminal has left; what runs there goes on\n", name, channel_host());
  else if (client.connection < 0)
    dprintf(2, "%s: no session server could be reached yet, so this terminal has left; what runs goes on\n", name);
  else
    dprintf(2, "%s: the session server (process %d) does not answer, so this terminal has left; what runs goes on\n", name,
        (int)client.server_pid);
  _exit(0);
}

void *client_must(void *memory) {
  if (!memory) client_die("out of memory");
  return memory;
}
