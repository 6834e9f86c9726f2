// In front of each source of the simulated client and holder: their memory ends with their process, and what
// the holder says on a terminal that nobody reads is not said.
#include <stdio.h>
#include <stdlib.h>
void *sim_malloc(size_t length);
void *sim_calloc(size_t count, size_t length);
void *sim_realloc(void *memory, size_t length);
void sim_free(void *memory);
#define malloc(length) sim_malloc(length)
#define calloc(count, length) sim_calloc(count, length)
#define realloc(memory, length) sim_realloc(memory, length)
#define free(memory) sim_free(memory)
#define fprintf(...) ((void)0)
