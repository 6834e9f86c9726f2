// What a viewer's terminal is sent of a program's output: no questions, since only the session's own screen
// answers them, and of the rest what the user's rules allow. Used by the client, and through the addon by
// everything else that sends a program's bytes to a terminal.
#ifndef FALCON_STREAM_FILTER_H
#define FALCON_STREAM_FILTER_H

#include "filter/bytes.h"
#include "filter/sequence_rules.h"
#include "filter/tokenizer.h"

enum {
  // Bytes of one string (a title, a palette, a link) that are passed; what a terminal does with more of it
  // nobody has tried.
  LONGEST_STRING = 64 << 10,
  // The same for an image.
  LONGEST_IMAGE = 16 << 20,
};

// The first stage: takes questions out.
struct question_filter {
  struct tokenizer tokens;
  bool numbered;  // the number of the OSC at hand is whole
  struct bytes text;  // an OSC without what a terminal may drop
};
void question_byte(struct question_filter *f, uint8_t byte, struct bytes *out);

// The second stage: the user's rules. What it passes ends between two sequences, but for images.
struct policy_filter {
  struct tokenizer tokens;
  struct sequence_rules rules;
  bool may_ask;  // somebody asks a person about what is to be asked; else it is blocked
  size_t length, room;  // of the string at hand: bytes that were passed or kept, and how many may be
  struct bytes asked;   // sequences that a person is to be asked about, each behind its length (u32 of this machine)
};
void policy_byte(struct policy_filter *f, uint8_t byte, struct bytes *out);

// What a byte ends that both stages pass as it is, by the table of sequences.
enum { DRAWS_AS_FINAL = 1, DRAWS_AS_ESCAPE = 2 };

struct stream_filter {
  uint8_t draws[0x80];  // of each byte
  bool questions;  // whether the first stage stands before the second; a screen drawn by ourselves asks nothing
  struct question_filter question;
  struct policy_filter policy;
  struct bytes between;  // what the first stage let through and the second has not taken: the beginning of a character
  struct bytes out;
};

// A new stream's filter; stream_filter_end frees what it holds.
void stream_filter_begin(struct stream_filter *f, const struct sequence_rules *rules, bool questions, bool may_ask);
// Appends to f->out what may go to the terminal. It ends between two sequences and two characters, but within
// images, so that something of our own can stand there. False where memory ran out.
bool stream_filter_feed(struct stream_filter *f, const uint8_t *bytes, size_t length);
// Whether all of it may go to the terminal as it is, and leaves the filter where it was.
bool stream_filter_passes(const struct stream_filter *f, const uint8_t *bytes, size_t length);
// Whether no sequence and no character is under way.
bool stream_filter_at_rest(const struct stream_filter *f);
// Whether what was passed ends within an image.
bool stream_filter_streams(const struct stream_filter *f);
void stream_filter_end(struct stream_filter *f);

#endif
