// What a person sees of a machine that cannot be reached: the window's title, and a question about what was
// typed meanwhile.
#ifndef FALCON_AWAY_H
#define FALCON_AWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Says in the window's title that nothing is heard from `host`; NULL: takes that back. False when nobody
// reads our output any more.
bool away_title(const char *host);

// Asks in the terminal's last line whether what was typed is to be sent; `bytes` are its first ones, of
// `count`.
void away_ask(const char *host, const uint8_t *bytes, size_t length, size_t count);
// Whether the question stands, so that what is typed is its answer.
bool away_is_asking(void);
// It does not stand any more.
void away_withdraw(void);
// Takes what is typed then: where its answer stands, and which one it is; -1: it has none. What begins with
// Esc is a key, a paste or a word of the terminal's own, whatever letters it has.
ssize_t away_answer(const uint8_t *bytes, size_t length, bool *yes);

#endif
