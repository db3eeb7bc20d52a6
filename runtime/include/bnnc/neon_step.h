/* SPDX-License-Identifier: 0BSD */
/* Cutting windows of one step or half of one: the weights of eight channels stay in registers, and
 * counts fit into bytes. */
#ifndef BNNC_NEON_STEP_H
#define BNNC_NEON_STEP_H

#include "bnnc/neon_bits.h"
#include "bnnc/neon_count.h"

/* Weights of eight channels, and from how many differences on a sum is below its threshold. */
typedef struct {
    uint8x16_t w[8], limit, bit;
} bnnc_step_tile;

/* half: weights are repeated, and counts of two windows are neighbours. */
BNNC_TEMPLATE bnnc_step_tile bnnc_step_tile_of(const uint8_t *w, uint16x8_t limit, int half) {
    const uint8x16_t few = vcombine_u8(vmovn_u16(limit), vmovn_u16(limit));
    const uint8x16_t bit = bnnc_bit_of_byte();
    bnnc_step_tile t;
    for (int l = 0; l < 8; ++l) {
        t.w[l] = half ? bnnc_twice(w + l * BNNC_STEP) : vld1q_u8(w + l * BNNC_STEP);
    }
    t.limit = half ? vzip1q_u8(few, few) : few;
    t.bit = half ? vzip1q_u8(bit, bit) : bit;
    return t;
}

/* A byte for each of four windows, the first four of the result. */
BNNC_TEMPLATE uint8x16_t bnnc_cut_steps(const bnnc_step_tile *t, bnnc_quad x) {
    const bnnc_quad low = bnnc_count_four_of(x, t->w), high = bnnc_count_four_of(x, t->w + 4);
    const bnnc_quad all = bnnc_add_pairs(low, high);
    const uint8x16_t a = vcgeq_u8(vpaddq_u8(all.a, all.b), t->limit);
    const uint8x16_t b = vcgeq_u8(vpaddq_u8(all.c, all.d), t->limit);
    uint8x16_t y = vpaddq_u8(vandq_u8(a, t->bit), vandq_u8(b, t->bit));
    y = vpaddq_u8(y, y);
    return vpaddq_u8(y, y);
}

/* The same of half a step; x and y have two windows each. */
BNNC_TEMPLATE uint8x16_t bnnc_cut_halves(const bnnc_step_tile *t, uint8x16_t x, uint8x16_t y) {
    const uint8x16_t a = vandq_u8(vcgeq_u8(bnnc_count_halves(x, t->w, NULL), t->limit), t->bit);
    const uint8x16_t b = vandq_u8(vcgeq_u8(bnnc_count_halves(y, t->w, NULL), t->limit), t->bit);
    uint16x8_t bits = vpaddq_u16(vreinterpretq_u16_u8(a), vreinterpretq_u16_u8(b));
    bits = vpaddq_u16(bits, bits);
    return vreinterpretq_u8_u16(vpaddq_u16(bits, bits));
}

#endif
