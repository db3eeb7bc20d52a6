/* SPDX-License-Identifier: 0BSD */
/* Sums of those numbers of a window that meet a one, for sixteen channels at once, by tables.
 *
 * Four numbers of a window have sixteen sums of some of them. Two tables of sixteen bytes hold the
 * sums of their low halves and of their high halves, each at most 4 * 15 = 60; four bits of a
 * channel are an index into them, and one instruction looks up for sixteen channels. A byte takes
 * the sums of four such lookups, a step, at most 240; a lane of 16 bits those of 273 steps. */
#ifndef BNNC_NEON_NIBBLES_H
#define BNNC_NEON_NIBBLES_H

#include "bnnc/neon.h"

#define BNNC_NIBBLE_STEP 16 /* numbers of a window */
#define BNNC_NIBBLE_TABLES                                                                         \
    128                         /* bytes of tables for a step: four of low and high halves in turn \
                                 */
#define BNNC_NIBBLE_WEIGHTS 32  /* bytes of sixteen channels for a step */
#define BNNC_NIBBLE_CHANNELS 16 /* of a tile */

#define BNNC_FOUR_OF(a, b, c, d)                                                                   \
    {(a),     (b),     (c),     (d),     (a) + 4,  (b) + 4,  (c) + 4,  (d) + 4,                    \
     (a) + 8, (b) + 8, (c) + 8, (d) + 8, (a) + 12, (b) + 12, (c) + 12, (d) + 12}

/* Sums of pairs of the four: none, the first, the second, both. Indices of 128 and more give 0. */
static const uint8_t bnnc_pair_indices[4][16] = {
    BNNC_FOUR_OF(128, 0, 128, 0), BNNC_FOUR_OF(128, 128, 1, 1), BNNC_FOUR_OF(128, 2, 128, 2),
    BNNC_FOUR_OF(128, 128, 3, 3)};

/* For each of sixteen indices the sum of its first two and of its last two numbers. */
static const uint8_t bnnc_sum_indices[2][16] = {{0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3},
                                                {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3}};

typedef struct {
    uint8x16_t a, b, c, d;
} bnnc_four_tables;

BNNC_TEMPLATE uint8x16_t bnnc_sum_pairs(uint8x16_t v, uint8x16_t first, uint8x16_t second) {
    return vaddq_u8(vqtbl1q_u8(v, first), vqtbl1q_u8(v, second));
}

/* The tables of sixteen numbers of at most 15. */
BNNC_TEMPLATE bnnc_four_tables bnnc_tables_of(uint8x16_t v) {
    const uint8x16_t low = vld1q_u8(bnnc_sum_indices[0]), high = vld1q_u8(bnnc_sum_indices[1]);
    const uint8x16_t four = vdupq_n_u8(4), eight = vdupq_n_u8(8), twelve = vdupq_n_u8(12);
    const uint8x16_t p =
        bnnc_sum_pairs(v, vld1q_u8(bnnc_pair_indices[0]), vld1q_u8(bnnc_pair_indices[1]));
    const uint8x16_t q =
        bnnc_sum_pairs(v, vld1q_u8(bnnc_pair_indices[2]), vld1q_u8(bnnc_pair_indices[3]));
    const bnnc_four_tables t = {
        vaddq_u8(vqtbl1q_u8(p, low), vqtbl1q_u8(q, high)),
        vaddq_u8(vqtbl1q_u8(p, vaddq_u8(low, four)), vqtbl1q_u8(q, vaddq_u8(high, four))),
        vaddq_u8(vqtbl1q_u8(p, vaddq_u8(low, eight)), vqtbl1q_u8(q, vaddq_u8(high, eight))),
        vaddq_u8(vqtbl1q_u8(p, vaddq_u8(low, twelve)), vqtbl1q_u8(q, vaddq_u8(high, twelve)))};
    return t;
}

/* Tables of a piece of a window, and the sum of its numbers. */
BNNC_TEMPLATE uint32_t bnnc_make_tables(const uint8_t *x, ptrdiff_t steps, uint8_t *to) {
    uint32x4_t sum = vdupq_n_u32(0);
    for (; steps > 0; --steps, x += BNNC_NIBBLE_STEP, to += BNNC_NIBBLE_TABLES) {
        const uint8x16_t v = vld1q_u8(x);
        const bnnc_four_tables low = bnnc_tables_of(vandq_u8(v, vdupq_n_u8(15)));
        const bnnc_four_tables high = bnnc_tables_of(vshrq_n_u8(v, 4));
        vst1q_u8(to, low.a);
        vst1q_u8(to + 16, high.a);
        vst1q_u8(to + 32, low.b);
        vst1q_u8(to + 48, high.b);
        vst1q_u8(to + 64, low.c);
        vst1q_u8(to + 80, high.c);
        vst1q_u8(to + 96, low.d);
        vst1q_u8(to + 112, high.d);
        sum = vpadalq_u16(sum, vpaddlq_u8(v));
    }
    return vaddvq_u32(sum);
}

/* Sums of low and of high halves, channels 0 .. 7 and 8 .. 15. */
typedef struct {
    uint16x8_t low0, low1, high0, high1;
} bnnc_nibble_sums;

/* A step of a tile. */
BNNC_TEMPLATE bnnc_nibble_sums bnnc_look_up(bnnc_nibble_sums s, bnnc_four_tables low,
                                            bnnc_four_tables high, const uint8_t *w) {
    const uint8x16_t u = vld1q_u8(w), v = vld1q_u8(w + 16), fifteen = vdupq_n_u8(15);
    const uint8x16_t a = vandq_u8(u, fifteen), b = vshrq_n_u8(u, 4);
    const uint8x16_t c = vandq_u8(v, fifteen), d = vshrq_n_u8(v, 4);
    const uint8x16_t l = vaddq_u8(vaddq_u8(vqtbl1q_u8(low.a, a), vqtbl1q_u8(low.b, b)),
                                  vaddq_u8(vqtbl1q_u8(low.c, c), vqtbl1q_u8(low.d, d)));
    const uint8x16_t h = vaddq_u8(vaddq_u8(vqtbl1q_u8(high.a, a), vqtbl1q_u8(high.b, b)),
                                  vaddq_u8(vqtbl1q_u8(high.c, c), vqtbl1q_u8(high.d, d)));
    const bnnc_nibble_sums sums = {vaddw_u8(s.low0, vget_low_u8(l)), vaddw_high_u8(s.low1, l),
                                   vaddw_u8(s.high0, vget_low_u8(h)), vaddw_high_u8(s.high1, h)};
    return sums;
}

/* Add sums of eight channels. */
BNNC_TEMPLATE void bnnc_add_halves(uint32_t *to, uint16x8_t low, uint16x8_t high) {
    const uint32x4_t a = vaddw_u16(vshll_n_u16(vget_low_u16(high), 4), vget_low_u16(low));
    const uint32x4_t b = vaddw_high_u16(vshll_high_n_u16(high, 4), low);
    vst1q_u32(to, vaddq_u32(vld1q_u32(to), a));
    vst1q_u32(to + 4, vaddq_u32(vld1q_u32(to + 4), b));
}

/* Of so many tiles, 1 or 2 and a constant, which begin `next` bytes apart: add the sums for a piece
 * of a window of at most 273 steps. */
BNNC_TEMPLATE void bnnc_add_looked_up(const uint8_t *w, ptrdiff_t next, int tiles,
                                      const uint8_t *tables, ptrdiff_t steps, uint32_t *to) {
    const uint16x8_t zero = vdupq_n_u16(0);
    const uint8_t *v = w + next;
    bnnc_nibble_sums s = {zero, zero, zero, zero}, t = s;
    do {
        const bnnc_four_tables low = {vld1q_u8(tables), vld1q_u8(tables + 32),
                                      vld1q_u8(tables + 64), vld1q_u8(tables + 96)};
        const bnnc_four_tables high = {vld1q_u8(tables + 16), vld1q_u8(tables + 48),
                                       vld1q_u8(tables + 80), vld1q_u8(tables + 112)};
        s = bnnc_look_up(s, low, high, w);
        if (tiles > 1) {
            t = bnnc_look_up(t, low, high, v);
            v += BNNC_NIBBLE_WEIGHTS;
        }
        tables += BNNC_NIBBLE_TABLES;
        w += BNNC_NIBBLE_WEIGHTS;
    } while (--steps != 0);
    bnnc_add_halves(to, s.low0, s.high0);
    bnnc_add_halves(to + 8, s.low1, s.high1);
    if (tiles > 1) {
        bnnc_add_halves(to + 16, t.low0, t.high0);
        bnnc_add_halves(to + 24, t.low1, t.high1);
    }
}

#endif
