// Writes N bytes (default 20480) in one write and ends at once with status 3: the tail that bare node-pty
// loses.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  long size = argc > 1 ? atol(argv[1]) : 20480;
  char *text = malloc((size_t)size);
  for (long i = 0; i < size; i++) text[i] = i % 64 == 63 ? '\n' : (char)('A' + i / 64 % 26);
  if (size >= 4) memcpy(text + size - 4, "END\n", 4);
  for (long done = 0; done < size;) {
    ssize_t n = write(1, text + done, (size_t)(size - done));
    if (n <= 0) return 1;
    done += n;
  }
  _exit(3);
}
