/* SPDX-License-Identifier: 0BSD */
/* The inner loop of conv_lanes.h in multiply-adds of vectors: four taps of four pixels meet sixteen
 * channels, or eight. Every sum is added up in the order kh, kw, ic by itself. */
#ifndef BNNC_NEON_LANES_H
#define BNNC_NEON_LANES_H

#include "bnnc/neon.h"

/* Sums of four pixels and two tiles fill the registers of 64-bit ARM, of one tile those of 32-bit
 * ARM. */
#if BNNC_NEON_FLUSHES
#define BNNC_TILES 1
#endif
#include "bnnc/conv_lanes.h"

/* Two tiles, or one in a and b: weights of a tap, or sums of a pixel. */
typedef struct {
    float32x4_t a, b, c, d;
} bnnc_lanes16;

/* Weights of a tap; a tile has `all` taps. */
typedef bnnc_lanes16 (*bnnc_weights_at)(const void *w, ptrdiff_t all, ptrdiff_t tap, int32_t tiles);

/* Where they lie. */
typedef const char *(*bnnc_weights_of)(const void *w, ptrdiff_t tap);

BNNC_TEMPLATE bnnc_lanes16 bnnc_load_lanes(const bnnc_tile *s, int32_t tiles) {
    const bnnc_tile *t = tiles > 1 ? s + 1 : s;
    const bnnc_lanes16 found = {vld1q_f32(s[0]), vld1q_f32(s[0] + 4), vld1q_f32(t[0]),
                                vld1q_f32(t[0] + 4)};
    return found;
}

BNNC_TEMPLATE void bnnc_store_lanes(bnnc_tile *s, bnnc_lanes16 v, int32_t tiles) {
    vst1q_f32(s[0], v.a);
    vst1q_f32(s[0] + 4, v.b);
    if (tiles > 1) {
        vst1q_f32(s[1], v.c);
        vst1q_f32(s[1] + 4, v.d);
    }
}

/* Weights times tap k, a constant, of those in x. */
#define BNNC_ADD_TAP(s, x, k, w, tiles)                                                            \
    (s).a = BNNC_ADD_PRODUCT_LANE((s).a, (w).a, x, k);                                             \
    (s).b = BNNC_ADD_PRODUCT_LANE((s).b, (w).b, x, k);                                             \
    if ((tiles) > 1) {                                                                             \
        (s).c = BNNC_ADD_PRODUCT_LANE((s).c, (w).c, x, k);                                         \
        (s).d = BNNC_ADD_PRODUCT_LANE((s).d, (w).d, x, k);                                         \
    }

/* The sums s0 .. s3 of up to four pixels, which have taps in v0 .. v3. */
#define BNNC_ADD_TAPS(k, w, pixels, tiles)                                                         \
    BNNC_ADD_TAP(s0, v0, k, w, tiles)                                                              \
    if ((pixels) > 1) {                                                                            \
        BNNC_ADD_TAP(s1, v1, k, w, tiles)                                                          \
    }                                                                                              \
    if ((pixels) > 2) {                                                                            \
        BNNC_ADD_TAP(s2, v2, k, w, tiles)                                                          \
    }                                                                                              \
    if ((pixels) > 3) {                                                                            \
        BNNC_ADD_TAP(s3, v3, k, w, tiles)                                                          \
    }

/* Where there is but one pixel, weights come from far: ask in time for four taps of each tile.
 * A function of nothing but this would be left out by gcc. */
#define BNNC_ASK_FOR(w, all, tap, tiles, where)                                                    \
    for (int32_t tile_ = 0; tile_ < (tiles); ++tile_) {                                            \
        const char *far_ = (where)(w, (tap) + 32 + tile_ * (all));                                 \
        __builtin_prefetch(far_);                                                                  \
        __builtin_prefetch(far_ + 64);                                                             \
    }

/* pixels and tiles are constants; where is NULL for weights that are few bytes. What pixels do not
 * need is that of pixel 0, and goes unused. */
BNNC_TEMPLATE void bnnc_add_vectors(const bnnc_tiled_block *b, bnnc_sums *sum,
                                    const bnnc_taps *taps, int32_t pixels, int32_t tiles,
                                    bnnc_weights_at weights, bnnc_weights_of where) {
    const ptrdiff_t all = (ptrdiff_t)b->p->kh * b->p->kw * b->p->ic, step = taps->x_step;
    const ptrdiff_t at1 = pixels > 1 ? taps->x_pixel : 0, at2 = pixels > 2 ? 2 * at1 : 0;
    const ptrdiff_t at3 = pixels > 3 ? 3 * at1 : 0;
    const float *row = taps->x;
    const void *w = b->w;
    ptrdiff_t tap = taps->first;
    bnnc_lanes16 s0 = bnnc_load_lanes(sum[0], tiles);
    bnnc_lanes16 s1 = pixels > 1 ? bnnc_load_lanes(sum[1], tiles) : s0;
    bnnc_lanes16 s2 = pixels > 2 ? bnnc_load_lanes(sum[2], tiles) : s0;
    bnnc_lanes16 s3 = pixels > 3 ? bnnc_load_lanes(sum[3], tiles) : s0;
    for (ptrdiff_t rows = taps->rows; rows > 0; --rows, row += taps->x_row) {
        const float *x = row;
        ptrdiff_t left = taps->n;
        for (; step == 1 && left >= 4; left -= 4, tap += 4, x += 4) {
            if (pixels == 1 && where != NULL) {
                BNNC_ASK_FOR(w, all, tap, tiles, where)
            }
            const float32x4_t v0 = vld1q_f32(x), v1 = vld1q_f32(x + at1);
            const float32x4_t v2 = vld1q_f32(x + at2), v3 = vld1q_f32(x + at3);
            const bnnc_lanes16 w0 = weights(w, all, tap, tiles);
            BNNC_ADD_TAPS(0, w0, pixels, tiles)
            const bnnc_lanes16 w1 = weights(w, all, tap + 1, tiles);
            BNNC_ADD_TAPS(1, w1, pixels, tiles)
            const bnnc_lanes16 w2 = weights(w, all, tap + 2, tiles);
            BNNC_ADD_TAPS(2, w2, pixels, tiles)
            const bnnc_lanes16 w3 = weights(w, all, tap + 3, tiles);
            BNNC_ADD_TAPS(3, w3, pixels, tiles)
        }
        for (; left > 0; --left, ++tap, x += step) {
            const float32x4_t v0 = vld1q_dup_f32(x), v1 = vld1q_dup_f32(x + at1);
            const float32x4_t v2 = vld1q_dup_f32(x + at2), v3 = vld1q_dup_f32(x + at3);
            const bnnc_lanes16 one = weights(w, all, tap, tiles);
            BNNC_ADD_TAPS(0, one, pixels, tiles)
        }
    }
    bnnc_store_lanes(sum[0], s0, tiles);
    if (pixels > 1) {
        bnnc_store_lanes(sum[1], s1, tiles);
    }
    if (pixels > 2) {
        bnnc_store_lanes(sum[2], s2, tiles);
    }
    if (pixels > 3) {
        bnnc_store_lanes(sum[3], s3, tiles);
    }
}

#endif
