/* SPDX-License-Identifier: 0BSD */
/* A parallel-for that the caller supplies. */
#ifndef BNNC_PARALLEL_H
#define BNNC_PARALLEL_H

#include <stdint.h>

/* Part `index` of `parts` of a job; parts may run at the same time and in any order. */
typedef void (*bnnc_part)(const void *job, int32_t index, int32_t parts);

/* `run` calls part(job, i, parts) for every i from 0 to parts - 1 and returns when all have
 * returned. `threads` is how many parts are wanted at most. */
typedef struct {
    int32_t threads;
    void (*run)(void *state, bnnc_part part, const void *job, int32_t parts);
    void *state;
} bnnc_parallel;

#endif
