// Makes a sentence of the client harmless to the terminal that it is written to: names of files, programs and
// machines come from others, and may hold what acts on a terminal, hides, or turns the text around it. The
// same as src/base/text/printable.ts does for the server.
#ifndef FALCON_PROSE_H
#define FALCON_PROSE_H

#include <stdarg.h>
#include <stddef.h>

// Writes "NAME: SENTENCE" and a line's end to stderr, harmless as above.
__attribute__((format(printf, 2, 3))) void prose_say(const char *name, const char *format, ...);
__attribute__((format(printf, 2, 0))) void prose_say_all(const char *name, const char *format, va_list arguments);

#endif
