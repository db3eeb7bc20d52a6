/* SPDX-License-Identifier: 0BSD */
/* Sums of windows of bytes by dot products.
 *
 * A tile of weights (see neon_bytes.h) is [steps][4][8][4]. An instruction takes four weights of
 * each of four channels and the same four numbers of a window: lanes are channels, and nothing is
 * left to be added up at the end. */
#ifndef BNNC_NEON_DOT_TILES_H
#define BNNC_NEON_DOT_TILES_H

#include "bnnc/neon_bytes.h"

#define BNNC_DOT_STEP 16
#define BNNC_DOT_BLOCK 8
#define BNNC_DOT_GROUP (8 * 4) /* bytes of weights for four numbers of a window */

/* Numbers 4 k .. 4 k + 3 of a step, k a constant. */
#define BNNC_ADD_GROUP(low, high, x, k, w, windows)                                                \
    do {                                                                                           \
        const int8x16_t u_ = vld1q_s8((w) + (k) * BNNC_DOT_GROUP),                                 \
                        v_ = vld1q_s8((w) + (k) * BNNC_DOT_GROUP + 16);                            \
        for (int q_ = 0; q_ < (windows); ++q_) {                                                   \
            (low)[q_] = vdotq_laneq_s32((low)[q_], u_, (x)[q_], k);                                \
            (high)[q_] = vdotq_laneq_s32((high)[q_], v_, (x)[q_], k);                              \
        }                                                                                          \
    } while (0)

BNNC_TEMPLATE void bnnc_dot_block(const int8_t *w, int32_t channels, const int8_t *x,
                                  ptrdiff_t next, ptrdiff_t steps, int32_t *sums) {
    int32x4_t low[BNNC_DOT_BLOCK], high[BNNC_DOT_BLOCK];
    int8x16_t v[BNNC_DOT_BLOCK];
    const int8_t *x4 = x + 4 * next;
    (void)channels;
    for (int q = 0; q < BNNC_DOT_BLOCK; ++q) {
        low[q] = high[q] = vdupq_n_s32(0);
    }
    do {
        for (int q = 0; q < 4; ++q) {
            v[q] = vld1q_s8(x + q * next);
            v[4 + q] = vld1q_s8(x4 + q * next);
        }
        BNNC_ADD_GROUP(low, high, v, 0, w, BNNC_DOT_BLOCK);
        BNNC_ADD_GROUP(low, high, v, 1, w, BNNC_DOT_BLOCK);
        BNNC_ADD_GROUP(low, high, v, 2, w, BNNC_DOT_BLOCK);
        BNNC_ADD_GROUP(low, high, v, 3, w, BNNC_DOT_BLOCK);
        x += BNNC_DOT_STEP;
        x4 += BNNC_DOT_STEP;
        w += 4 * BNNC_DOT_GROUP;
    } while (--steps != 0);
    for (int q = 0; q < BNNC_DOT_BLOCK; ++q) {
        vst1q_s32(sums + q * BNNC_LANES, low[q]);
        vst1q_s32(sums + q * BNNC_LANES + 4, high[q]);
    }
}

/* Where there is but one window, the weights come from far: they are asked for in time. Four pairs
 * of sums do not wait for each other. */
BNNC_TEMPLATE void bnnc_dot_window(const int8_t *w, int32_t channels, const int8_t *x,
                                   ptrdiff_t next, ptrdiff_t steps, int32_t *sums) {
    const int32x4_t zero = vdupq_n_s32(0);
    int32x4_t a[1] = {zero}, b[1] = {zero}, c[1] = {zero}, d[1] = {zero};
    int32x4_t e[1] = {zero}, f[1] = {zero}, g[1] = {zero}, h[1] = {zero};
    (void)channels;
    (void)next;
    do {
        const int8x16_t v[1] = {vld1q_s8(x)};
        __builtin_prefetch(w + 768);
        __builtin_prefetch(w + 832);
        BNNC_ADD_GROUP(a, b, v, 0, w, 1);
        BNNC_ADD_GROUP(c, d, v, 1, w, 1);
        BNNC_ADD_GROUP(e, f, v, 2, w, 1);
        BNNC_ADD_GROUP(g, h, v, 3, w, 1);
        x += BNNC_DOT_STEP;
        w += 4 * BNNC_DOT_GROUP;
    } while (--steps != 0);
    vst1q_s32(sums, vaddq_s32(vaddq_s32(a[0], c[0]), vaddq_s32(e[0], g[0])));
    vst1q_s32(sums + 4, vaddq_s32(vaddq_s32(b[0], d[0]), vaddq_s32(f[0], h[0])));
}

#endif
