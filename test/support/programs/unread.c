// Prints how many bytes wait in a terminal (its file is the argument) for whoever reads it.
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>

int main(int count, char **arguments) {
  int waiting = 0, terminal = count > 1 ? open(arguments[1], O_RDONLY | O_NOCTTY) : -1;
  if (terminal < 0 || ioctl(terminal, FIONREAD, &waiting) < 0) return 1;
  printf("%d", waiting);
  return 0;
}
