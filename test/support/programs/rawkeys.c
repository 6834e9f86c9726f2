// Reads keys raw, as falcon does (ICANON and ECHO off, ISIG on but for --no-signals), and shows each byte as
// <hex>; `q` ends it.
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

int main(int argc, char **argv) {
  struct termios mode;
  tcgetattr(0, &mode);
  struct termios before = mode;
  mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--no-signals") == 0) mode.c_lflag &= ~(tcflag_t)ISIG;
  tcsetattr(0, TCSANOW, &mode);
  printf("keys please\r\n");
  fflush(stdout);
  unsigned char byte;
  while (read(0, &byte, 1) == 1) {
    printf("<%02x>", byte);
    fflush(stdout);
    if (byte == 'q') break;
  }
  tcsetattr(0, TCSANOW, &before);
  printf("\r\nno more keys\r\n");
  return 0;
}
