// Writes HISTORY lines and a screen of ROWS more (`token-000123 …`, 90 columns, one in three coloured),
// without a last line feed, and stays.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  long history = argc > 1 ? atol(argv[1]) : 0, rows = argc > 2 ? atol(argv[2]) : 50;
  if (argc > 3) {
    FILE *report = fopen(argv[3], "a");
    if (report) fprintf(report, "pid %d\n", (int)getpid()), fclose(report);
  }
  for (long n = 0; n < history + rows; n++)
    printf("%s%stoken-%06ld [INFO] node%ld: Epoch %ld/300 | loss=-2.%05ld lr=0.00100 buffer swapped%s", n ? "\r\n" : "", n % 3 ? "" : "\x1b[33m", n,
           n % 4, n % 300, n * 7919 % 100000, n % 3 ? "" : "\x1b[0m");
  fflush(stdout);
  for (;;) pause();
}
