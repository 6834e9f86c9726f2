/*
 * Behaves on the terminal as falcon's interactive display does: alternate screen, hidden cursor, a scroll
 * region set once,
 * log lines scrolling in it, a footer redrawn whole by absolute moves once a second and after every line,
 * SIGWINCH ignored
 * but the live height read at every redraw, j/k to choose a node, one Ctrl+C to stop gracefully, two to quit
 * at once.
 * Arguments: log lines per second (default 2), footer rows (default 20), nodes (default 2).
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t interrupts;
static void on(int number) {
  (void)number;
  interrupts++;
}

static int columns = 80, rows = 24;
static void measure(void) {
  struct winsize size;
  if (ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_row > 0) columns = size.ws_col, rows = size.ws_row;
}

static int nodes = 2, selected, footer = 20;
static long epoch;

static void rule(int row, const char *colour) {
  printf("\x1b[%d;1H\x1b[K%s", row, colour);
  for (int i = 0; i < columns; i++) fputs("─", stdout);
  fputs("\x1b[0m", stdout);
}

static void draw(void) {
  measure();
  int top = rows - footer + 1;
  if (top < 1) top = 1;
  fputs("\x1b[s", stdout);
  rule(top, "\x1b[36m");
  printf("\x1b[%d;1H\x1b[K", top + 1);
  for (int i = 0; i < nodes; i++)
    printf("%s node%d: training epoch %ld loss %.3f sims %ld buffer %ld \x1b[0m", i == selected ? "\x1b[7m" : "\x1b[2m", i, epoch,
           -2.0 - 1.0 / (double)(epoch + i + 1), epoch * 64, epoch * 8 % 4096);
  rule(top + 2, "\x1b[36m");
  for (int row = top + 3; row < rows; row++)
    printf("\x1b[%d;1H\x1b[K2026-02-06T08:%02ld:%02d [INFO] node%d: Epoch %ld/300 | loss=%.5f, lr=0.00100, t=%d", row, epoch % 60, row % 60, selected,
           epoch, -2.9 - (double)(epoch % 17) / 1000.0, row);
  printf("\x1b[%d;1H\x1b[K\x1b[7m j/k: node   Ctrl+C: stop \x1b[0m", rows);
  fputs("\x1b[u", stdout);
  fflush(stdout);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  double rate = argc > 1 ? atof(argv[1]) : 2;
  if (argc > 2) footer = atoi(argv[2]);
  if (argc > 3) nodes = atoi(argv[3]);
  struct termios mode, before;
  tcgetattr(0, &before);
  mode = before;
  mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
  tcsetattr(0, TCSANOW, &mode);
  struct sigaction action = {.sa_handler = on};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  static char out[1 << 16];
  setvbuf(stdout, out, _IOFBF, sizeof out);
  measure();
  printf("\x1b[?1049h\x1b[?25l\x1b[2J\x1b[1;%dr\x1b[1;1H", rows - footer);
  draw();
  double started = seconds(), nextLine = started, nextDraw = started + 1;
  long line = 0;
  while (interrupts == 0) {
    double now = seconds(), next = nextDraw;
    if (rate > 0 && nextLine < next) next = nextLine;
    struct pollfd input = {.fd = 0, .events = POLLIN};
    int ready = poll(&input, 1, next > now ? (int)((next - now) * 1000) + 1 : 0);
    if (ready > 0) {
      char key;
      if (read(0, &key, 1) != 1) return 1;
      if (key == 'j') selected = (selected + 1) % nodes;
      if (key == 'k') selected = (selected + nodes - 1) % nodes;
      draw();
    }
    now = seconds();
    if (rate > 0 && now >= nextLine) {
      nextLine += 1 / rate;
      printf("2026-02-06T08:01:%02ld [INFO] driver message %ld\r\n", line % 60, line);
      line++;
      draw();
    }
    if (now >= nextDraw) {
      nextDraw += 1;
      epoch++;
      draw();
    }
  }
  printf("\x1b[r\x1b[?25h\x1b[?1049l");
  tcsetattr(0, TCSANOW, &before);
  printf("display %s after %ld lines, selected node%d\n", interrupts > 1 ? "dropped" : "saved", line, selected);
  return interrupts > 1 ? 130 : 0;
}
