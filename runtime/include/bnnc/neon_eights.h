/* SPDX-License-Identifier: 0BSD */
/* Sums of eight floats with signs by tables, in the order `eights`: a group of eight taps is
 * fl(four + four), each four summed up from its first tap on, and acc = fl(acc + group).
 *
 * For one window a table has the sums of a group for all 256 bytes of weights. For four windows, a
 * lane each, there are two tables of sixteen vectors, one for the low and one for the high half of
 * a byte. Bit 1 is -1: x times -1 is -x, and a - x is a + -x. Zeros behind the last tap do not
 * show: they can only change the sign of a zero, and acc is never -0. */
#ifndef BNNC_NEON_EIGHTS_H
#define BNNC_NEON_EIGHTS_H

#include "bnnc/conv_loop.h"
#include "bnnc/neon.h"

#define BNNC_EIGHT 8        /* taps of a group */
#define BNNC_BYTE_SUMS 256  /* floats of a table for one window */
#define BNNC_NIBBLE_SUMS 64 /* floats of a table for four windows: of half a group */

/* The sixteen sums of four numbers: bit k of the index is the sign of x[k]. */
BNNC_TEMPLATE void bnnc_sums_of_four(float32x4_t x, float32x4_t *to) {
    static const float signs[8] = {1, -1, 1, -1, 1, 1, -1, -1};
    const float32x4_t first = vmulq_laneq_f32(vld1q_f32(signs), x, 0);
    const float32x4_t two = vaddq_f32(first, vmulq_laneq_f32(vld1q_f32(signs + 4), x, 1));
    const float32x4_t third = vdupq_laneq_f32(x, 2), fourth = vdupq_laneq_f32(x, 3);
    const float32x4_t plus = vaddq_f32(two, third), minus = vsubq_f32(two, third);
    to[0] = vaddq_f32(plus, fourth);
    to[1] = vaddq_f32(minus, fourth);
    to[2] = vsubq_f32(plus, fourth);
    to[3] = vsubq_f32(minus, fourth);
}

/* The table of eight numbers. */
BNNC_TEMPLATE void bnnc_make_byte_sums(const float *x, float *to) {
    float32x4_t low[4], high[4];
    bnnc_sums_of_four(vld1q_f32(x), low);
    bnnc_sums_of_four(vld1q_f32(x + 4), high);
#define BNNC_STORE_SUMS(h, lane)                                                                   \
    do {                                                                                           \
        const float32x4_t v = vdupq_laneq_f32(high[h], lane);                                      \
        vst1q_f32(to, vaddq_f32(low[0], v));                                                       \
        vst1q_f32(to + 4, vaddq_f32(low[1], v));                                                   \
        vst1q_f32(to + 8, vaddq_f32(low[2], v));                                                   \
        vst1q_f32(to + 12, vaddq_f32(low[3], v));                                                  \
        to += 16;                                                                                  \
    } while (0)
    BNNC_STORE_SUMS(0, 0);
    BNNC_STORE_SUMS(0, 1);
    BNNC_STORE_SUMS(0, 2);
    BNNC_STORE_SUMS(0, 3);
    BNNC_STORE_SUMS(1, 0);
    BNNC_STORE_SUMS(1, 1);
    BNNC_STORE_SUMS(1, 2);
    BNNC_STORE_SUMS(1, 3);
    BNNC_STORE_SUMS(2, 0);
    BNNC_STORE_SUMS(2, 1);
    BNNC_STORE_SUMS(2, 2);
    BNNC_STORE_SUMS(2, 3);
    BNNC_STORE_SUMS(3, 0);
    BNNC_STORE_SUMS(3, 1);
    BNNC_STORE_SUMS(3, 2);
    BNNC_STORE_SUMS(3, 3);
#undef BNNC_STORE_SUMS
}

BNNC_TEMPLATE void bnnc_store_signed(float32x4_t two, float32x4_t c, float32x4_t d, float *to) {
    const float32x4_t plus = vaddq_f32(two, c), minus = vsubq_f32(two, c);
    vst1q_f32(to, vaddq_f32(plus, d));
    vst1q_f32(to + 16, vaddq_f32(minus, d));
    vst1q_f32(to + 32, vsubq_f32(plus, d));
    vst1q_f32(to + 48, vsubq_f32(minus, d));
}

/* The table of half a group, four numbers of each of four windows. */
BNNC_TEMPLATE void bnnc_make_nibble_sums(const float *const x[4], float *to) {
    const float32x4_t p = vld1q_f32(x[0]), q = vld1q_f32(x[1]);
    const float32x4_t r = vld1q_f32(x[2]), s = vld1q_f32(x[3]);
    const float32x4_t u0 = vzip1q_f32(p, r), v0 = vzip1q_f32(q, s);
    const float32x4_t u1 = vzip2q_f32(p, r), v1 = vzip2q_f32(q, s);
    const float32x4_t a = vzip1q_f32(u0, v0), b = vzip2q_f32(u0, v0);
    const float32x4_t c = vzip1q_f32(u1, v1), d = vzip2q_f32(u1, v1);
    bnnc_store_signed(vaddq_f32(a, b), c, d, to);
    bnnc_store_signed(vsubq_f32(b, a), c, d, to + 4);
    bnnc_store_signed(vsubq_f32(a, b), c, d, to + 8);
    bnnc_store_signed(vsubq_f32(vnegq_f32(a), b), c, d, to + 12);
}

#endif
