/* SPDX-License-Identifier: 0BSD */
/* How many products of bits a core computes, as 64-bit words in registers: xor, count, add. */
#include "clock.h"

enum { ROUNDS = 1000000, GROUPS = 16 };

static uint64_t total;

static void work(void) {
    uint64_t x0 = 0x123456789abcdef0u, x1 = ~x0, w0 = x0 * 5, w1 = x0 * 7;
    uint64_t a = 0, b = 0, c = 0, d = 0;
#define FOUR                                                                                       \
    OPAQUE(x0);                                                                                    \
    OPAQUE(x1);                                                                                    \
    a += (uint64_t)__builtin_popcountll(x0 ^ w0);                                                  \
    b += (uint64_t)__builtin_popcountll(x0 ^ w1);                                                  \
    c += (uint64_t)__builtin_popcountll(x1 ^ w0);                                                  \
    d += (uint64_t)__builtin_popcountll(x1 ^ w1);                                                  \
    OPAQUE(a);                                                                                     \
    OPAQUE(b);                                                                                     \
    OPAQUE(c);                                                                                     \
    OPAQUE(d);
    for (int i = 0; i < ROUNDS; ++i) {
        FOUR FOUR FOUR FOUR
    }
    total += a + b + c + d;
}

int main(void) {
    const int status = report(work, 64.0 * GROUPS * ROUNDS);
    return total == 1 ? EXIT_FAILURE : status; /* so that total is needed */
}
