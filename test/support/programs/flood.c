// Writes N numbered lines of W columns as fast as they are taken (argument 1: N, argument 2: W, default 60),
// then `flood ends`.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  long lines = argc > 1 ? atol(argv[1]) : 1000;
  int width = argc > 2 ? atoi(argv[2]) : 60;
  static char out[1 << 16];
  setvbuf(stdout, out, _IOFBF, sizeof out);
  for (long n = 0; n < lines; n++) {
    int used = printf("line %08ld ", n);
    for (; used < width; used++) putchar('a' + (int)((n + used) % 26));
    putchar('\n');
  }
  puts("flood ends");
  return 0;
}
