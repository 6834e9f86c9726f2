// What the client sends to the server: frames that wait until the connection takes them.
#include "client/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/terminal.h"

uint8_t *client_room(size_t length) {
  if (client.unsent_start == client.unsent_end) client.unsent_start = client.unsent_end = 0;
  if (client.unsent_end + length > client.unsent_room) {
    client.unsent_room = (client.unsent_end + length) * 2;
    client.unsent = client_must(realloc(client.unsent, client.unsent_room));
  }
  uint8_t *at = client.unsent + client.unsent_end;
  client.unsent_end += length;
  return at;
}

void client_send(uint8_t type, const void *payload, size_t length) {
  uint8_t *at = client_room(FRAME_HEADER + length);
  put_header(at, type, length);
  if (length > 0) memcpy(at + FRAME_HEADER, payload, length);
}

size_t client_unsent(void) { return client.unsent_end - client.unsent_start; }

void client_flush(void) {
  while (client.unsent_start < client.unsent_end && !client.lost) {
    ssize_t count = os_write(client.connection, client.unsent + client.unsent_start, client_unsent());
    if (count > 0) client.unsent_start += (size_t)count;
    else if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    // what the server said before it went is still to be read
    else if (errno != EINTR) client.unsent_start = client.unsent_end;
  }
}

void client_send_news(void) {
  uint8_t payload[4];
  uint16_t cols, rows;
  if (!client.greeted || client_unsent() >= UNSENT_LIMIT) return;
  if (client.tell_size) {
    terminal_size(&cols, &rows);
    put_u16(payload, cols);
    put_u16(payload + 2, rows);
    if (cols > 0 && rows > 0) client_send(TO_SIZE, payload, sizeof payload);
  }
  if (client.tell_continued) client_send(TO_CONTINUED, NULL, 0);
  client.tell_size = client.tell_continued = false;
}
