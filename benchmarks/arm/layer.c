/* SPDX-License-Identifier: Apache-2.0 */
/* Calls a kernel as often as is said: program CALLS IH IW IC OC K STRIDE PAD. KERNEL is a macro,
 * and ARGUMENTS are its operands. */
#include <stdint.h>
#include <stdlib.h>

#include "bnnc/kernels.h"

#define MOST (1 << 24)

static uint8_t x[MOST], w[MOST], y[MOST];
static int32_t thr[1 << 16], bias[1 << 16], multiplier[1 << 16], shift[1 << 16];

static void fill(uint8_t *to) {
    uint32_t state = 1;
    for (int i = 0; i < MOST; ++i) {
        state = state * 1664525u + 1013904223u;
        to[i] = (uint8_t)(state >> 24);
    }
}

int main(int argc, char **argv) {
    int32_t v[8];
    if (argc != 9) {
        return 2;
    }
    for (int i = 0; i < 8; ++i) {
        v[i] = atoi(argv[i + 1]);
    }
    bnnc_conv2d p = {0};
    p.n = p.dilation_h = p.dilation_w = p.groups = 1;
    p.ih = v[1], p.iw = v[2], p.ic = v[3], p.oc = v[4];
    p.kh = p.kw = v[5];
    p.stride_h = p.stride_w = v[6];
    p.pad_top = p.pad_left = v[7];
    p.oh = (p.ih + 2 * v[7] - v[5]) / v[6] + 1;
    p.ow = (p.iw + 2 * v[7] - v[5]) / v[6] + 1;
    p.lo = -128, p.hi = 127, p.round_twice = 1;
    fill(x);
    fill(w);
    for (int i = 0; i < 1 << 16; ++i) {
        bias[i] = i, multiplier[i] = 1 << 30, shift[i] = -8;
    }
    (void)thr, (void)bias, (void)multiplier, (void)shift;
    for (int32_t i = 0; i < v[0]; ++i) {
        BNNC_SYM(KERNEL)(&p, ARGUMENTS, y);
    }
    return 0;
}
