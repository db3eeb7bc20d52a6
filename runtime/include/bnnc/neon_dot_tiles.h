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

/* Sixteen numbers of one window and their weights, which are loaded at once, in pairs. */
BNNC_TEMPLATE void bnnc_dot_step(int32x4_t *s, int8x16_t x, const int8_t *w) {
    int8x16_t v[8];
    for (int i = 0; i < 8; ++i) {
        v[i] = vld1q_s8(w + 16 * i);
    }
    for (int i = 0; i < 8; ++i) {
        BNNC_HOLD(v[i]);
    }
    s[0] = vdotq_laneq_s32(s[0], v[0], x, 0);
    s[1] = vdotq_laneq_s32(s[1], v[1], x, 0);
    s[2] = vdotq_laneq_s32(s[2], v[2], x, 1);
    s[3] = vdotq_laneq_s32(s[3], v[3], x, 1);
    s[4] = vdotq_laneq_s32(s[4], v[4], x, 2);
    s[5] = vdotq_laneq_s32(s[5], v[5], x, 2);
    s[6] = vdotq_laneq_s32(s[6], v[6], x, 3);
    s[7] = vdotq_laneq_s32(s[7], v[7], x, 3);
}

/* Where there is but one window, the weights come from far: they are asked for in time. Four pairs
 * of sums do not wait for each other. */
BNNC_TEMPLATE void bnnc_dot_window(const int8_t *w, int32_t channels, const int8_t *x,
                                   ptrdiff_t next, ptrdiff_t steps, int32_t *sums) {
    const int32x4_t zero = vdupq_n_s32(0);
    const ptrdiff_t w_step = 4 * BNNC_DOT_GROUP;
    int32x4_t s[8] = {zero, zero, zero, zero, zero, zero, zero, zero};
    (void)channels;
    (void)next;
    for (; steps >= 2; steps -= 2, x += 2 * BNNC_DOT_STEP, w += 2 * w_step) {
        for (int line = 0; line < 4; ++line) {
            __builtin_prefetch(w + 6 * w_step + 64 * line);
        }
        bnnc_dot_step(s, vld1q_s8(x), w);
        bnnc_dot_step(s, vld1q_s8(x + BNNC_DOT_STEP), w + w_step);
    }
    if (steps > 0) {
        bnnc_dot_step(s, vld1q_s8(x), w);
    }
    vst1q_s32(sums, vaddq_s32(vaddq_s32(s[0], s[2]), vaddq_s32(s[4], s[6])));
    vst1q_s32(sums + 4, vaddq_s32(vaddq_s32(s[1], s[3]), vaddq_s32(s[5], s[7])));
}

#endif
