// What the simulated holder has in place of holder_child.c and allowance.c: its program is the simulation's.
#include "system/allowance.h"
#include "holder/holder.h"
#include "system.h"

#include <signal.h>

int child_launch(char **arguments, const struct orders *orders, pid_t *pid, void (*before_exec)(pid_t pid)) {
  (void)arguments, (void)orders;
  // born, and not begun before the record names it: killed in between, the holder leaves nothing behind
  process_tick();
  *pid = world.next_pid;
  before_exec(*pid);
  process_tick();
  program_start(here()->pid);
  return 0;
}

bool child_decode(char **words) { return (void)words, true; }

bool child_reap(pid_t program, struct ending *ending) {
  process_tick();
  if (!world.program.zombie || world.program.pid != program || world.program.parent != here()->pid) return false;
  world.program.zombie = false;
  ending->status = world.program.status;
  return true;
}

void child_signal(pid_t program, int master, int number, int target) {
  (void)master, (void)target;
  if (program == world.program.pid && (number == SIGKILL || number == SIGTERM)) program_end(number);
}

bool allowance_take(const char *words) { return (void)words, true; }

// What the simulation calls: nothing else of the library is seen by another one.
int own_main(int count, char **words);
__attribute__((visibility("default"))) int process_main(int count, char **words) { return own_main(count, words); }
