/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers of quantized bytes, bit weights, groups == 1; 64-bit ARM.
 *
 * Weights: the sum of each channel's weights, int32_t, zeros up to a multiple of sixteen channels;
 * then tiles of sixteen channels of [steps][2][16]: a byte for each channel, whose low half are the
 * weights that the first four of eight numbers meet, and whose high half those of the others. A one
 * is -1.
 *
 * sum(x * w) = sum(x) - 2 * sum(x where w = -1), with x of 0 to 255; what the zero point adds is in
 * the bias. Tables (see neon_nibbles.h) are made for pieces of windows that many channels meet. */
#include "bnnc/kernels.h"
#include "bnnc/neon_bytes.h"
#include "bnnc/neon_nibbles.h"

#define WINDOWS 4
#define PIECE 32 /* steps */
#define CHANNELS 1024

/* Up to four windows and 1024 channels. */
typedef struct {
    const bnnc_byte_windows *s;
    const uint8_t *w;       /* tiles of these channels */
    ptrdiff_t first, steps; /* of the windows */
    int32_t windows, tiles;
    uint32_t all[WINDOWS];             /* sums of all numbers of windows */
    uint32_t minus[WINDOWS][CHANNELS]; /* of those that meet -1 */
    uint8_t tables[WINDOWS][PIECE * BNNC_NIBBLE_TABLES];
} block;

BNNC_NOINLINE void add_piece(block *b, ptrdiff_t step, ptrdiff_t steps) {
    const ptrdiff_t next = b->steps * BNNC_NIBBLE_WEIGHTS;
    const uint8_t *w = b->w + step * BNNC_NIBBLE_WEIGHTS;
    for (int32_t q = 0; q < b->windows; ++q) {
        const int8_t *x = b->s->windows + (b->first + q) * b->s->next + step * BNNC_NIBBLE_STEP;
        b->all[q] += bnnc_make_tables((const uint8_t *)x, steps, b->tables[q]);
    }
    for (int32_t tile = 0; tile < b->tiles; tile += 2, w += 2 * next) {
        for (int32_t q = 0; q < b->windows; ++q) {
            uint32_t *to = b->minus[q] + tile * BNNC_NIBBLE_CHANNELS;
            if (tile + 1 < b->tiles) {
                bnnc_add_looked_up(w, next, 2, b->tables[q], steps, to);
            } else {
                bnnc_add_looked_up(w, next, 1, b->tables[q], steps, to);
            }
        }
    }
}

BNNC_NOINLINE void add_up(block *b) {
    for (int32_t q = 0; q < b->windows; ++q) {
        b->all[q] = 0;
        memset(b->minus[q], 0, (size_t)b->tiles * BNNC_NIBBLE_CHANNELS * sizeof b->minus[q][0]);
    }
    for (ptrdiff_t step = 0; step < b->steps; step += PIECE) {
        const ptrdiff_t left = b->steps - step;
        add_piece(b, step, left < PIECE ? left : PIECE);
    }
}

/* Channels oc .. oc + count - 1. */
BNNC_TEMPLATE void finish_block(const block *b, const bnnc_byte_layer *all, int32_t oc,
                                int32_t count, bnnc_set_factors set, bnnc_finish_tile finish) {
    bnnc_byte_tile t;
    t.p = b->s->p;
    t.end = all->end;
    for (int32_t lane = 0; lane < count; lane += BNNC_LANES) {
        t.oc = oc + lane;
        t.count = count - lane < BNNC_LANES ? count - lane : BNNC_LANES;
        bnnc_set_bias(&t, all->w, b->s->zero);
        set(&t);
        int32_t sums[WINDOWS * BNNC_LANES];
        for (int32_t q = 0; q < b->windows; ++q) {
            const uint32x4_t whole = vdupq_n_u32(b->all[q]), two = vdupq_n_u32(2);
            const uint32x4_t u = vld1q_u32(b->minus[q] + lane);
            const uint32x4_t v = vld1q_u32(b->minus[q] + lane + 4);
            int32_t *sum = sums + q * BNNC_LANES;
            vst1q_s32(sum, vreinterpretq_s32_u32(vmlsq_u32(whole, u, two)));
            vst1q_s32(sum + 4, vreinterpretq_s32_u32(vmlsq_u32(whole, v, two)));
        }
        finish(&t, b->s->first + b->first, b->windows, sums);
    }
}

BNNC_TEMPLATE void use(const bnnc_byte_windows *s, const void *context, bnnc_set_factors set,
                       bnnc_finish_tile finish) {
    const bnnc_byte_layer *all = (const bnnc_byte_layer *)context;
    const bnnc_conv2d *p = s->p;
    const ptrdiff_t row = s->row / 8; /* bytes of a channel */
    const int32_t tiles = (p->oc + BNNC_NIBBLE_CHANNELS - 1) / BNNC_NIBBLE_CHANNELS;
    const uint8_t *w = all->w + (ptrdiff_t)tiles * BNNC_NIBBLE_CHANNELS * 4;
    block b; /* not filled: there is much room */
    b.s = s;
    b.steps = s->row / BNNC_NIBBLE_STEP;
    for (int32_t oc = 0; oc < p->oc; oc += CHANNELS) {
        const int32_t count = p->oc - oc < CHANNELS ? p->oc - oc : CHANNELS;
        b.w = w + oc * row;
        b.tiles = (count + BNNC_NIBBLE_CHANNELS - 1) / BNNC_NIBBLE_CHANNELS;
        for (b.first = 0; b.first < s->count; b.first += WINDOWS) {
            const ptrdiff_t left = s->count - b.first;
            b.windows = left < WINDOWS ? (int32_t)left : WINDOWS;
            add_up(&b);
            finish_block(&b, all, oc, count, set, finish);
        }
    }
}

BNNC_USE_FOR_EACH_END(use)

BNNC_TEMPLATE void convolve(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                            const bnnc_byte_end *end, bnnc_use_byte_windows use) {
    const bnnc_byte_layer all = {w, end};
    const bnnc_byte_wish wish = {WINDOWS, BNNC_BYTE_NEAR, 1};
    bnnc_each_byte_window(p, x, wish, use, &all);
}

void BNNC_SYM(conv2d_ib_neon_q8)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                 const int32_t *bias, const int32_t *multiplier,
                                 const int32_t *shift, uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, shift, NULL, y};
    convolve(p, x, w, &end, to_fixed);
}

void BNNC_SYM(conv2d_ib_neon_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const float *multiplier, uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, NULL, NULL, y};
    convolve(p, x, w, &end, to_float);
}

void BNNC_SYM(conv2d_ib_neon_i32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, int32_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, NULL, y};
    convolve(p, x, w, &end, to_sums);
}

void BNNC_SYM(conv2d_ib_neon_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, &end, to_bits);
}

void BNNC_SYM(conv2d_ib_neon_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, &end, to_levels);
}

void BNNC_SYM(conv2d_ib_neon_dynamic_f32)(const bnnc_conv2d *p, const uint8_t *x,
                                          const float *levels, const uint8_t *w,
                                          const float *w_scale, const float *bias, float *y) {
    const bnnc_byte_end end = {NULL, NULL, NULL, NULL, y};
    const bnnc_conv2d own = bnnc_with_zero(p, levels);
    convolve(&own, x, w, &end, to_sums);
    bnnc_real_sums(p, levels, w_scale, bias, y);
}
