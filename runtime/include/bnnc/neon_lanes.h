/* SPDX-License-Identifier: 0BSD */
/* The inner loop of conv_lanes.h in fused multiply-adds, acc = fl(acc + x * w): four taps of four
 * pixels meet sixteen channels. Every sum is added up in the order kh, kw, ic by itself. */
#ifndef BNNC_NEON_LANES_H
#define BNNC_NEON_LANES_H

#include "bnnc/conv_lanes.h"
#include "bnnc/neon.h"

/* The weights of a tap: of the first tile and, where there are two, of the second. */
typedef struct {
    float32x4_t a, b, c, d;
} bnnc_tap_weights;

typedef bnnc_tap_weights (*bnnc_weights_at)(const bnnc_tiled_block *b, ptrdiff_t tap,
                                            int32_t tiles);

/* sums: a row of vectors for each pixel, as in bnnc_tap_weights. */
typedef float32x4_t bnnc_vectors[2 * BNNC_TILES];

/* Tap k, a constant, of the four in x; each pixel has its own vector. */
#define BNNC_ADD_TAP(sums, x, k, w, pixels, tiles)                                                 \
    for (int32_t q_ = 0; q_ < (pixels); ++q_) {                                                    \
        (sums)[q_][0] = vfmaq_laneq_f32((sums)[q_][0], (w).a, (x)[q_], k);                         \
        (sums)[q_][1] = vfmaq_laneq_f32((sums)[q_][1], (w).b, (x)[q_], k);                         \
        if ((tiles) > 1) {                                                                         \
            (sums)[q_][2] = vfmaq_laneq_f32((sums)[q_][2], (w).c, (x)[q_], k);                     \
            (sums)[q_][3] = vfmaq_laneq_f32((sums)[q_][3], (w).d, (x)[q_], k);                     \
        }                                                                                          \
    }

/* pixels and tiles are constants. */
BNNC_TEMPLATE void bnnc_add_fused(const bnnc_tiled_block *b, bnnc_sums *sum, const bnnc_taps *taps,
                                  int32_t pixels, int32_t tiles, bnnc_weights_at weights) {
    const float *x = taps->x;
    const ptrdiff_t end = taps->first + taps->n;
    ptrdiff_t tap = taps->first;
    bnnc_vectors sums[BNNC_PIXELS];
    float32x4_t v[BNNC_PIXELS];
    for (int32_t q = 0; q < pixels; ++q) {
        for (int32_t t = 0; t < 2 * tiles; ++t) {
            sums[q][t] = vld1q_f32(sum[q][t / 2] + 4 * (t % 2));
        }
    }
    if (taps->x_step == 1) {
        for (; tap + 4 <= end; tap += 4, x += 4) {
            for (int32_t q = 0; q < pixels; ++q) {
                v[q] = vld1q_f32(x + q * taps->x_pixel);
            }
            const bnnc_tap_weights w0 = weights(b, tap, tiles);
            BNNC_ADD_TAP(sums, v, 0, w0, pixels, tiles)
            const bnnc_tap_weights w1 = weights(b, tap + 1, tiles);
            BNNC_ADD_TAP(sums, v, 1, w1, pixels, tiles)
            const bnnc_tap_weights w2 = weights(b, tap + 2, tiles);
            BNNC_ADD_TAP(sums, v, 2, w2, pixels, tiles)
            const bnnc_tap_weights w3 = weights(b, tap + 3, tiles);
            BNNC_ADD_TAP(sums, v, 3, w3, pixels, tiles)
        }
    }
    for (; tap < end; ++tap, x += taps->x_step) {
        for (int32_t q = 0; q < pixels; ++q) {
            v[q] = vld1q_dup_f32(x + q * taps->x_pixel);
        }
        const bnnc_tap_weights w = weights(b, tap, tiles);
        BNNC_ADD_TAP(sums, v, 0, w, pixels, tiles)
    }
    for (int32_t q = 0; q < pixels; ++q) {
        for (int32_t t = 0; t < 2 * tiles; ++t) {
            vst1q_f32(sum[q][t / 2] + 4 * (t % 2), sums[q][t]);
        }
    }
}

#endif
