// How the client ends: the terminal as it was, one sentence where it is needed, and the status.
#include "client/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "remote/away.h"
#include "remote/channel.h"
#include "client/direct.h"
#include "client/prose.h"
#include "client/terminal.h"

// Puts the terminal back.
static void give_back(void) {
  direct_stop(false);
  away_title(NULL);
  terminal_leave(client.out_left > 0 || !direct_at_rest());
}

_Noreturn void client_leave(int status) {
  give_back();
  os_exit(status);
}

__attribute__((format(printf, 1, 2))) _Noreturn void client_die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  give_back();
  prose_say_all(client.called_as, format, arguments);
  va_end(arguments);
  os_exit(STATUS_OURS);
}

_Noreturn void client_leave_frozen(void) {
  give_back();
  const char *name = client.called_as;
  if (channel_is_used())
    prose_say(name, "nothing is heard from %s, so this terminal has left; what runs there goes on", channel_host());
  else if (client.connection < 0)
    prose_say(name, "no session server could be reached yet, so this terminal has left; what runs goes on");
  else
    prose_say(name, "the session server (process %d) does not answer, so this terminal has left; what runs goes on",
        (int)client.server_pid);
  os_exit(0);
}

void *client_must(void *memory) {
  if (!memory) client_die("out of memory");
  return memory;
}
