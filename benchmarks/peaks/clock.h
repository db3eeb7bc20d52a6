/* SPDX-License-Identifier: 0BSD */
/* Seconds, and the length of a processor cycle, for programs that print a peak.
 *
 * The cycle is found from a chain of operations of which each needs the one before: integer
 * multiplications on x86-64 (3 cycles each; chains of additions are shortened by newer cores),
 * additions elsewhere (1 cycle each). A frequency from the system would not do, since the core's
 * changes while programs run. */
#ifndef PEAKS_CLOCK_H
#define PEAKS_CLOCK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifdef __x86_64__
#define CHAIN_CYCLES 3
#define CHAIN(v, k) __asm__ volatile("imul %1, %0" : "+r"(v) : "r"(k))
#else
#define CHAIN_CYCLES 1
#if defined(__aarch64__)
#define CHAIN(v, k) __asm__ volatile("add %0, %0, %1" : "+r"(v) : "r"(k))
#else
#define CHAIN(v, k) ((v) += (k))
#endif
#endif

/* The compiler must have v in a register here, and thinks that it changes. */
#define OPAQUE(v) __asm__ volatile("" : "+r"(v))

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double cycle_seconds(void) {
    const int rounds = 200000;
    uint64_t v = 3, k = 5;
    const double start = seconds();
    for (int i = 0; i < rounds; ++i) {
        CHAIN(v, k);
        CHAIN(v, k);
        CHAIN(v, k);
        CHAIN(v, k);
        CHAIN(v, k);
        CHAIN(v, k);
        CHAIN(v, k);
        CHAIN(v, k);
    }
    OPAQUE(v);
    return (seconds() - start) / (8.0 * CHAIN_CYCLES * rounds);
}

/* Call `work`, which does `units` units, many times. Print the most units per second, and per cycle
 * as it follows from the shortest cycle: whatever else runs on the machine makes both worse. */
static int report(void (*work)(void), double units) {
    double rate = 0, cycle = cycle_seconds();
    for (int run = 0; run < 60; ++run) {
        const double start = seconds();
        work();
        {
            const double now = units / (seconds() - start), again = cycle_seconds();
            rate = now > rate ? now : rate;
            cycle = again < cycle ? again : cycle;
        }
    }
    printf("%.6e %.4f\n", rate, rate * cycle);
    return EXIT_SUCCESS;
}

#endif
