// Folders of our own: walked to from the root by descriptors, checked on the way, made where they are
// missing.
#ifndef FALCON_FOLDER_H
#define FALCON_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

// What to do where a folder cannot be ours: the end of a sentence.
#define ELSEWHERE "set FALCON_SESSIONS_HOME to a folder of your own"

// Makes and checks the folder `path` (absolute, without symbolic links and dots, but for its last part):
// nobody else can replace a part of the path, and the last one is ours and closed to others. What is missing
// is made, mode 0700 whatever the umask is, and only below what has been checked. On false one sentence in
// `problem`; `*refused` tells that it cannot be made there, in contrast to: what is there must not be used.
bool folder_own(const char *path, bool *refused, char *problem, size_t room);

// Puts the sentence that says what is wrong with a folder into `problem`, cut at `room`. Answers false.
__attribute__((format(printf, 3, 4))) bool folder_problem(char *problem, size_t room, const char *format, ...);

#endif
