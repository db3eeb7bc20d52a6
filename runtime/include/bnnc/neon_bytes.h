/* SPDX-License-Identifier: 0BSD */
/* The loops around convolutions of quantized bytes on 64-bit ARM: eight channels at a time meet all
 * windows of a lot, a block of them at once.
 *
 * Weights: the sum of each channel's weights, int32_t, zeros up to a multiple of eight channels;
 * then tiles of eight channels, a row of kh * kw * ic / groups weights for each filled up with
 * zeros to a multiple of 16. How a tile lies is up to the kernel; bit weights are those of bytes
 * with eight in a byte. */
#ifndef BNNC_NEON_BYTES_H
#define BNNC_NEON_BYTES_H

#include "bnnc/neon_byte_ends.h"
#include "bnnc/neon_byte_windows.h"
#include "bnnc/neon_sign_tiles.h"

/* Sums of eight channels for each of a block of windows, `next` bytes apart, or of one. Of the
 * last tile only so many channels are wanted. */
typedef void (*bnnc_sum_windows)(const int8_t *w, int32_t channels, const int8_t *x, ptrdiff_t next,
                                 ptrdiff_t steps, int32_t *sums);

#define BNNC_SUMMED 64 /* windows, before their sums are used; a multiple of all blocks */

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

/* room: of a tile whose weights are bits, to be expanded; or NULL, and they are bytes. */
BNNC_TEMPLATE void bnnc_use_tiles(const bnnc_byte_windows *s, bnnc_byte_lot lot,
                                  const void *context, int8_t *room, int32_t block,
                                  bnnc_sum_windows many, bnnc_sum_windows one, bnnc_set_factors set,
                                  bnnc_finish_tile finish) {
    const bnnc_byte_layer *all = (const bnnc_byte_layer *)context;
    const bnnc_conv2d *p = s->p;
    const int32_t per_group = p->oc / p->groups, first = s->group * per_group;
    const ptrdiff_t all_channels = (p->oc + BNNC_LANES - 1) / BNNC_LANES * BNNC_LANES;
    const ptrdiff_t steps = s->row / 16;
    int32_t sums[BNNC_SUMMED * BNNC_LANES];
    bnnc_byte_tile t;
    t.p = p;
    t.end = all->end;
    for (t.oc = first; t.oc < first + per_group; t.oc += BNNC_LANES) {
        const uint8_t *from = all->w + all_channels * 4;
        const int8_t *w = room != NULL ? room : (const int8_t *)from + t.oc * s->row;
        const int32_t left = first + per_group - t.oc;
        t.count = left < BNNC_LANES ? left : BNNC_LANES;
        if (room != NULL) {
            bnnc_expand_signs(room, from + t.oc * (s->row / 8), s->row);
        }
        bnnc_set_bias(&t, all->w, s->zero);
        set(&t);
        for (ptrdiff_t from = 0; from < s->count; from += BNNC_SUMMED) {
            const ptrdiff_t rest = s->count - from;
            const ptrdiff_t to = from + (rest < BNNC_SUMMED ? rest : BNNC_SUMMED);
            int32_t *sum = sums;
            ptrdiff_t q = from;
            for (; q < lot.in_blocks && q < to; q += block, sum += block * BNNC_LANES) {
                many(w, t.count, lot.x + q * lot.next, lot.next, steps, sum);
            }
            for (; q < to; ++q, sum += BNNC_LANES) {
                one(w, t.count, lot.x + q * lot.next, lot.next, steps, sum);
            }
            finish(&t, s->first + from, to - from, sums);
        }
    }
}

/* A function for each end that use(s, context, set, finish), a template, has. */
#define BNNC_USE_FOR_EACH_END(use)                                                                 \
    BNNC_NOINLINE void to_fixed(const bnnc_byte_windows *s, const void *all) {                     \
        use(s, all, bnnc_set_fixed, bnnc_finish_fixed);                                            \
    }                                                                                              \
    BNNC_NOINLINE void to_float(const bnnc_byte_windows *s, const void *all) {                     \
        use(s, all, bnnc_set_float, bnnc_finish_float);                                            \
    }                                                                                              \
    BNNC_NOINLINE void to_sums(const bnnc_byte_windows *s, const void *all) {                      \
        use(s, all, bnnc_set_nothing, bnnc_finish_sums);                                           \
    }                                                                                              \
    BNNC_NOINLINE void to_bits(const bnnc_byte_windows *s, const void *all) {                      \
        use(s, all, bnnc_set_cut, bnnc_finish_cut);                                                \
    }                                                                                              \
    BNNC_NOINLINE void to_levels(const bnnc_byte_windows *s, const void *all) {                    \
        use(s, all, bnnc_set_nothing, bnnc_finish_counted);                                        \
    }

#endif
