/* SPDX-License-Identifier: 0BSD */
/* Bit and level activations times bit or ternary weights: xor and population count, 64 channels at
 * a time.
 *
 * Bits: with x and w in {-1, +1} as bits, x * w = -1 where they differ, so a sum over N products is
 * S = N - 2 D, where D counts the differences. Zero weights leave both counts by the mask.
 *
 * Levels: with u in {0, 1} a bit of the level and s the sign of a nonzero weight, u * w is
 * (u xor s) - s: 1 for u alone, -1 for both, 0 for s alone. So plane j adds 2^j (D_j - D), where
 * D_j counts where the plane differs from the signs and D the signs, that is the differences from
 * a plane of zeros: S = sum of 2^j D_j - (2^k - 1) D. */
#ifndef BNNC_CONV_BITS_H
#define BNNC_CONV_BITS_H

#include "bnnc/conv_loop.h"

/* Weights of the channels of a block: planes of bits [lanes][kh][kw][ic / groups], a NULL mask
 * stands for all ones. Channels lie row bytes apart, taps tap bytes. */
typedef struct {
    const uint8_t *sign, *mask;
    ptrdiff_t row, tap;
} bnnc_bit_weights;

BNNC_TEMPLATE bnnc_bit_weights bnnc_weights_of(const bnnc_block *b, const uint8_t *sign,
                                               const uint8_t *mask) {
    const ptrdiff_t tap = bnnc_bit_bytes(b->p->ic / b->p->groups);
    const ptrdiff_t row = b->p->kh * b->p->kw * tap, first = b->oc * row;
    const bnnc_bit_weights w = {sign + first, mask != NULL ? mask + first : NULL, row, tap};
    return w;
}

/* The first n <= 8 bytes as a word with zeros behind. */
BNNC_TEMPLATE uint64_t bnnc_load_bytes(const uint8_t *bytes, ptrdiff_t n) {
    uint64_t v = 0;
    if (n >= 8) {
        memcpy(&v, bytes, 8);
    } else {
        for (ptrdiff_t i = 0; i < n; ++i) {
            v |= (uint64_t)bytes[i] << (8 * i);
        }
    }
    return v;
}

/* Count over len bytes of weights from `first` on: differences from x (NULL: all zeros), and where
 * nonzero is not NULL the ones of the mask. */
BNNC_TEMPLATE void bnnc_count_run(const uint8_t *x, const bnnc_bit_weights *w, ptrdiff_t first,
                                  ptrdiff_t len, int32_t lanes, int32_t *differ, int32_t *nonzero) {
    for (ptrdiff_t at = 0; at < len; at += 8) {
        const ptrdiff_t n = len - at;
        const uint64_t xs = x != NULL ? bnnc_load_bytes(x + at, n) : 0;
        for (int32_t l = 0; l < lanes; ++l) {
            const ptrdiff_t place = first + at + l * w->row;
            uint64_t d = xs ^ bnnc_load_bytes(w->sign + place, n);
            if (w->mask != NULL) {
                const uint64_t m = bnnc_load_bytes(w->mask + place, n);
                d &= m;
                if (nonzero != NULL) {
                    nonzero[l] += bnnc_popcount64(m);
                }
            }
            differ[l] += bnnc_popcount64(d);
        }
    }
}

/* Count over the taps inside the input. image: the sample's plane of bits, NULL for zeros. Groups
 * must begin at byte borders. */
BNNC_TEMPLATE void bnnc_count_window(const bnnc_block *b, const uint8_t *image,
                                     const bnnc_bit_weights *w, int32_t lanes, int32_t *differ,
                                     int32_t *nonzero) {
    const bnnc_conv2d *p = b->p;
    const bnnc_window *v = &b->window;
    const ptrdiff_t pixel = bnnc_bit_bytes(p->ic);
    const int32_t taps = v->kw_hi - v->kw_lo;
    /* Neighbouring taps are neighbours in memory, in x as in w: one run per row of the kernel.
     * The zero tails between them agree and count nothing. */
    const int whole_row = p->dilation_w == 1 && pixel == w->tap;
    const int32_t runs = whole_row ? taps > 0 : taps;
    const ptrdiff_t len = whole_row ? taps * w->tap : w->tap;
    for (int32_t i = v->kh_lo; i < v->kh_hi; ++i) {
        for (int32_t r = 0; r < runs; ++r) {
            const int32_t j = v->kw_lo + r;
            const uint8_t *x = NULL;
            if (image != NULL) {
                x = image + b->group * w->tap + bnnc_tap_pixel(b, i, j) * pixel;
            }
            bnnc_count_run(x, w, (i * p->kw + j) * w->tap, len, lanes, differ, nonzero);
        }
    }
}

/* Padded taps hold pad_value = z in every channel: they add z times the sum of their weights,
 * z * (N - 2 D) with D counted against +1. */
BNNC_TEMPLATE void bnnc_add_padding(const bnnc_block *b, const bnnc_bit_weights *w, int32_t lanes,
                                    int32_t *sum) {
    const bnnc_conv2d *p = b->p;
    int32_t differ[BNNC_LANES] = {0}, nonzero[BNNC_LANES] = {0}, taps = 0;
    for (int32_t i = 0; i < p->kh; ++i) {
        for (int32_t j = 0; j < p->kw; ++j) {
            if (!bnnc_tap_inside(&b->window, i, j)) {
                bnnc_count_run(NULL, w, (i * p->kw + j) * w->tap, w->tap, lanes, differ, nonzero);
                ++taps;
            }
        }
    }
    for (int32_t l = 0; l < lanes; ++l) {
        const int32_t n = w->mask != NULL ? nonzero[l] : taps * (p->ic / p->groups);
        sum[l] += (int32_t)p->pad_value * (n - 2 * differ[l]);
    }
}

/* S of bit activations for each lane. */
BNNC_TEMPLATE void bnnc_accumulate_bits(const bnnc_block *b, const uint8_t *sign,
                                        const uint8_t *mask, int32_t lanes,
                                        bnnc_accumulators *acc) {
    const bnnc_conv2d *p = b->p;
    const bnnc_window *v = &b->window;
    const bnnc_bit_weights w = bnnc_weights_of(b, sign, mask);
    int32_t differ[BNNC_LANES] = {0}, nonzero[BNNC_LANES] = {0}, sum[BNNC_LANES];
    bnnc_count_window(b, (const uint8_t *)b->image, &w, lanes, differ, nonzero);
    for (int32_t l = 0; l < lanes; ++l) {
        const int32_t full = (v->kh_hi - v->kh_lo) * (v->kw_hi - v->kw_lo) * (p->ic / p->groups);
        sum[l] = (mask != NULL ? nonzero[l] : full) - 2 * differ[l];
    }
    if (p->pad_value != 0) {
        bnnc_add_padding(b, &w, lanes, sum);
    }
    memcpy(acc->i + b->lane, sum, (size_t)lanes * sizeof sum[0]);
}

/* S of level activations for each lane. */
BNNC_TEMPLATE void bnnc_accumulate_levels(const bnnc_block *b, const uint8_t *sign,
                                          const uint8_t *mask, int32_t lanes,
                                          bnnc_accumulators *acc) {
    const bnnc_conv2d *p = b->p;
    const bnnc_bit_weights w = bnnc_weights_of(b, sign, mask);
    const int32_t top = (1 << p->bits_in) - 1;
    const uint8_t *plane = (const uint8_t *)b->image;
    int32_t signs[BNNC_LANES] = {0}, sum[BNNC_LANES];
    bnnc_count_window(b, NULL, &w, lanes, signs, NULL);
    for (int32_t l = 0; l < lanes; ++l) {
        sum[l] = -top * signs[l];
    }
    for (int32_t j = 0; j < p->bits_in; ++j, plane += p->n * bnnc_bit_image_bytes(p)) {
        int32_t differ[BNNC_LANES] = {0};
        bnnc_count_window(b, plane, &w, lanes, differ, NULL);
        for (int32_t l = 0; l < lanes; ++l) {
            sum[l] += differ[l] * (1 << j);
        }
    }
    if (p->pad_value != 0) {
        bnnc_add_padding(b, &w, lanes, sum);
    }
    memcpy(acc->i + b->lane, sum, (size_t)lanes * sizeof sum[0]);
}

#endif
