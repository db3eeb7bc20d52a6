/* SPDX-License-Identifier: 0BSD */
/* The loops around convolutions of quantized bytes on 64-bit ARM: eight channels at a time meet all
 * windows of a lot, a block of them at once.
 *
 * Weights: the sum of each channel's weights, int32_t, zeros up to a multiple of eight channels;
 * then tiles of eight channels, a row of kh * kw * ic / groups weights for each filled up with
 * zeros to a multiple of 16. How a tile lies is up to the kernel. */
#ifndef BNNC_NEON_BYTES_H
#define BNNC_NEON_BYTES_H

#include "bnnc/neon_byte_ends.h"
#include "bnnc/neon_byte_windows.h"

/* Sums of eight channels for each of a block of windows, `next` bytes apart, or of one. Of the
 * last tile only so many channels are wanted. */
typedef void (*bnnc_sum_windows)(const int8_t *w, int32_t channels, const int8_t *x, ptrdiff_t next,
                                 ptrdiff_t steps, int32_t *sums);

typedef struct {
    const uint8_t *w;
    const bnnc_byte_end *end;
} bnnc_byte_layer;

/* Windows as `many` takes them, a block at once, and those that are left over. */
typedef struct {
    const int8_t *x;
    ptrdiff_t next;      /* bytes from one to the next */
    ptrdiff_t in_blocks; /* a multiple of the block */
} bnnc_byte_lot;

BNNC_TEMPLATE bnnc_byte_lot bnnc_as_they_are(const bnnc_byte_windows *s, int32_t block) {
    const bnnc_byte_lot lot = {s->windows, s->next, s->count / block * block};
    return lot;
}

BNNC_TEMPLATE void bnnc_use_tiles(const bnnc_byte_windows *s, bnnc_byte_lot lot,
                                  const void *context, int32_t block, bnnc_sum_windows many,
                                  bnnc_sum_windows one, bnnc_set_factors set,
                                  bnnc_finish_tile finish) {
    const bnnc_byte_layer *all = (const bnnc_byte_layer *)context;
    const bnnc_conv2d *p = s->p;
    const int32_t per_group = p->oc / p->groups, first = s->group * per_group;
    const ptrdiff_t all_channels = (p->oc + BNNC_LANES - 1) / BNNC_LANES * BNNC_LANES;
    const ptrdiff_t steps = s->row / 16;
    int32_t sums[8 * BNNC_LANES];
    bnnc_byte_tile t;
    t.p = p;
    t.end = all->end;
    for (t.oc = first; t.oc < first + per_group; t.oc += BNNC_LANES) {
        const int8_t *w = (const int8_t *)all->w + all_channels * 4 + t.oc * s->row;
        const int32_t left = first + per_group - t.oc;
        ptrdiff_t q = 0;
        t.count = left < BNNC_LANES ? left : BNNC_LANES;
        bnnc_set_bias(&t, all->w, s->zero);
        set(&t);
        for (; q < lot.in_blocks; q += block) {
            many(w, t.count, lot.x + q * lot.next, lot.next, steps, sums);
            for (int32_t i = 0; i < block; ++i) {
                finish(&t, s->first + q + i, sums + i * BNNC_LANES);
            }
        }
        for (; q < s->count; ++q) {
            one(w, t.count, lot.x + q * lot.next, lot.next, steps, sums);
            finish(&t, s->first + q, sums);
        }
    }
}

#endif
