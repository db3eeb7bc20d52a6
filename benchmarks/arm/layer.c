/* SPDX-License-Identifier: Apache-2.0 */
/* Calls a kernel as often as is said: program CALLS IH IW IC OC K STRIDE PAD GROUPS BITS. KERNEL is
 * a macro, and ARGUMENTS are its operands. */
#include <stdint.h>
#include <stdlib.h>

#include "bnnc/kernels.h"

#define MOST (1 << 24)
#define CHANNELS (1 << 16)

static uint8_t inputs[MOST], weights[MOST], results[MOST];
static int32_t zeros[CHANNELS], biases[CHANNELS], multipliers[CHANNELS], shifts[CHANNELS];

static void fill(uint8_t *to) {
    uint32_t state = 1;
    for (int i = 0; i < MOST; ++i) {
        state = state * 1664525u + 1013904223u;
        to[i] = (uint8_t)(state >> 24);
    }
}

int main(int argc, char **argv) {
    const void *x = inputs, *w = weights, *thr = zeros, *alpha = zeros;
    const void *bias = biases, *multiplier = multipliers, *shift = shifts;
    void *y = results;
    int32_t v[10];
    if (argc != 11) {
        return 2;
    }
    for (int i = 0; i < 10; ++i) {
        v[i] = atoi(argv[i + 1]);
    }
    bnnc_conv2d p = {0};
    p.n = p.dilation_h = p.dilation_w = 1;
    p.ih = v[1], p.iw = v[2], p.ic = v[3], p.oc = v[4];
    p.kh = p.kw = v[5];
    p.stride_h = p.stride_w = v[6];
    p.pad_top = p.pad_left = v[7];
    p.oh = (p.ih + 2 * v[7] - v[5]) / v[6] + 1;
    p.ow = (p.iw + 2 * v[7] - v[5]) / v[6] + 1;
    p.groups = v[8], p.bits_in = v[9];
    p.lo = -128, p.hi = 127, p.round_twice = 1;
    fill(inputs);
    fill(weights);
    for (int i = 0; i < CHANNELS; ++i) {
        biases[i] = i, multipliers[i] = 1 << 30, shifts[i] = -8;
    }
    (void)x, (void)w, (void)thr, (void)alpha, (void)bias, (void)multiplier, (void)shift;
    for (int32_t i = 0; i < v[0]; ++i) {
        BNNC_SYM(KERNEL)(&p, ARGUMENTS, y);
    }
    return 0;
}
