// What a person types, on its way to the server: each read with the time at which it was typed. Behind a
// press of a key that leaves, everything waits until the server has taken that press: so of those that a
// frozen server never answers only the first is on its way, which by itself does nothing to the program, and
// the others are withdrawn with the client.
#ifndef FALCON_TYPING_H
#define FALCON_TYPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  // In front of the bytes of a INPUT_AT frame: u64 time · u8 1 where an answer is wanted.
  INPUT_AT_HEADER = 9,
};

// The keys by which one leaves (LEAVE_KEYS), a byte each: a control byte or an ASCII character. They replace
// those kept before.
void typing_keys(const uint8_t *keys, size_t length);

// The connection is a new one: nothing is on its way, and the server has to say LEAVE_KEYS. What waits, or is
// kept, is for it, and so are the keys.
void typing_restart(void);

// Whether the server knows INPUT_AT frames: it has said LEAVE_KEYS.
bool typing_understood(void);

// Takes one read of the terminal.
void typing_take(const uint8_t *bytes, size_t length, int64_t now);

// The server has taken the press that was on its way.
void typing_taken(void);

// When (ms of the steady clock) a person who has pressed often enough, unanswered, is let go; -1: that is not
// so. `heard_at`: when the server last said anything.
int64_t typing_leaves_at(int64_t heard_at);

// The payload of the next INPUT_AT frame that may go now; NULL where there is none. Valid until the next call
// of this module.
const uint8_t *typing_next(size_t *length);

// Bytes that wait to be sent.
size_t typing_waiting(void);

// This server says what it has passed on: what is sent is kept until then, and goes to the next server again,
// which knows what the holder has.
void typing_keep(void);
bool typing_keeps(void);
// More was on its way to this server than is kept.
bool typing_gave_up(void);
// Bytes that reached the holder for what is not kept any more.
uint64_t typing_passed_on(void);
// Of the bytes sent on this connection, `read` need not be kept any more: of all that we typed the holder has
// `typed` bytes for them.
void typing_passed(uint64_t read, uint64_t typed);

// The server is on another machine: one press is enough to be let go, where it is not answered in a time that
// no network takes.
void typing_over_network(void);
// A press of a key that leaves has not been answered.
bool typing_pressed(void);
// What the holder is not known to have, or, with `unsent`, only what has not been sent: when its oldest byte
// was typed, its first bytes (as far as there is room), and how many it is (0: none).
size_t typing_held(bool unsent, int64_t *since, uint8_t *bytes, size_t room);
// It counts as typed just now: it was asked about.
void typing_renew(void);
// It is withdrawn. What was sent may have arrived: then who types is to be another one for the holder
// (TOKEN).
void typing_drop(bool unsent);

#endif
