/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the model `net` on a stack that was painted before and prints how many bytes of it were
 * used. The argument is the weight file. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "net.h"

enum { STACK = 1 << 18, PAINT = 0xa5, NEAR = 128 };

static unsigned char stack[STACK] __attribute__((aligned(4096)));
static unsigned char *top;
static net_ctx ctx;
static bnnc_status status = BNNC_ERR_NULL;

static void allocate_ends(void);
static void call_net(net_ctx *context);

static void *buffer(size_t bytes) { return calloc(bytes + 1, 1); }

/* Notes where the frame of a function begins that is called from where the model will be. */
static __attribute__((noinline)) void note(void) {
    volatile unsigned char here = 0;
    top = (unsigned char *)&here;
}

static __attribute__((noinline)) void paint(void) {
    for (volatile unsigned char *at = stack; at < top - NEAR; ++at) {
        *at = PAINT;
    }
}

static void *work(void *unused) {
    note();
    paint();
    call_net(&ctx);
    return unused;
}

int main(int argc, char **argv) {
    static uint64_t weights[1 << 20];
    const unsigned char *low = stack;
    pthread_attr_t attributes;
    pthread_t thread;
    FILE *file = fopen(argv[argc - 1], "rb");
    const size_t bytes = fread(weights, 1, sizeof weights, file);
    allocate_ends();
    if (net_init(&ctx, weights, bytes, buffer(net_ARENA_BYTES), net_ARENA_BYTES) != BNNC_OK ||
        pthread_attr_init(&attributes) != 0 ||
        pthread_attr_setstack(&attributes, stack, sizeof stack) != 0 ||
        pthread_create(&thread, &attributes, work, NULL) != 0 || pthread_join(thread, NULL) != 0 ||
        status != BNNC_OK) {
        return 1;
    }
    while (*low == PAINT) {
        ++low;
    }
    printf("%ld\n", (long)(top - low));
    return 0;
}
