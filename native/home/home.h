// Where the state of this user on this host lives.
#ifndef FALCON_HOME_H
#define FALCON_HOME_H

#include <stdbool.h>
#include <stddef.h>

enum {
  // The longest path of a Unix socket that every system takes: macOS has room for 104 bytes with the NUL.
  SOCKET_PATH_LONGEST = 103,
  // The longest name below the folder: "/server.sock.4194304", under which the server binds before it
  // renames.
  HOME_LONGEST = SOCKET_PATH_LONGEST - 20,
};

// Finds the folder, makes it where it is not there yet, and checks that nobody else can touch it. Writes its
// path, without symbolic links, to `home` (at least HOME_LONGEST + 1 bytes), or one sentence to `problem` and
// returns false.
bool home_find(char *home, char *problem, size_t room);

// The same for the home of a batch job on this host: `<host's home>/j/<job>`, and where that path is too long
// /var/tmp/falcon-sessions-<uid>/<host>/j/<job>. With `make` false it has to be there.
bool home_of_job(const char *host_home, const char *job, bool make, char *home, char *problem, size_t room);

#endif
