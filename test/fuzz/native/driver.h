// Between the fuzz driver and a target.
#ifndef FALCON_FUZZ_DRIVER_H
#define FALCON_FUZZ_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The target: reads one input from a fresh state. Ends the process when a promise is broken.
void fuzz_one(const uint8_t *bytes, size_t length);

// Ends the process, with `what` said, unless it holds.
void fuzz_require(bool holds, const char *what);

#endif
