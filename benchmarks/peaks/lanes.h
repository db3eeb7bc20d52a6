/* SPDX-License-Identifier: 0BSD */
/* Products and sums of floats in the widest vectors that the build has; what the compiler makes of
 * `acc + x * w`, two operations or a fused one, is decided by -ffp-contract. */
#ifndef PEAKS_LANES_H
#define PEAKS_LANES_H

#include "clock.h"

#if defined(__AVX512F__) && !defined(NARROW)
enum { LANES = 16 };
#elif defined(__AVX__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif
typedef float vector __attribute__((vector_size(LANES * sizeof(float))));

#ifdef __x86_64__
#define OPAQUE_VECTOR(v) __asm__ volatile("" : "+x"(v))
#else
#define OPAQUE_VECTOR(v) __asm__ volatile("" : "+w"(v))
#endif

enum { ROUNDS = 500000, SUMS = 12 };

static float total;

static void work(void) {
    vector x = (vector){0} + 1.5f, w = (vector){0} + 0.25f, y = x + w, sum[SUMS] = {{0}};
    for (int i = 0; i < ROUNDS; ++i) {
        OPAQUE_VECTOR(x);
        OPAQUE_VECTOR(y);
#define TWO(k)                                                                                     \
    sum[k] = sum[k] + x * w;                                                                       \
    OPAQUE_VECTOR(x);                                                                              \
    sum[k + 1] = sum[k + 1] + y * w;                                                               \
    OPAQUE_VECTOR(y);
        TWO(0) TWO(2) TWO(4) TWO(6) TWO(8) TWO(10)
    }
    for (int k = 0; k < SUMS; ++k) {
        total += sum[k][0];
    }
}

static int report_lanes(void) {
    const int status = report(work, (double)LANES * SUMS * ROUNDS);
    return total == 1 ? EXIT_FAILURE : status; /* so that total is needed */
}

#endif
