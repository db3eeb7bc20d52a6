/* SPDX-License-Identifier: 0BSD */
/* Bit activations times bit or ternary weights: xor and population count, 64 channels at a time.
 *
 * With x and w in {-1, +1} as bits, x * w = -1 where they differ, so a sum over N products is
 * S = N - 2 D, where D counts the differences. Zero weights leave both counts by the mask. */
#ifndef BNNC_CONV_BITS_H
#define BNNC_CONV_BITS_H

#include "bnnc/conv_loop.h"

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

/* Count over len bytes, for weights rows apart: differences from x (NULL: all +1), and with a
 * mask the nonzero weights. */
BNNC_TEMPLATE void bnnc_count_run(const uint8_t *x, const uint8_t *w, const uint8_t *mask,
                                  ptrdiff_t row, ptrdiff_t len, int32_t lanes, int32_t *differ,
                                  int32_t *nonzero) {
    for (ptrdiff_t at = 0; at < len; at += 8) {
        const ptrdiff_t n = len - at;
        const uint64_t xs = x != NULL ? bnnc_load_bytes(x + at, n) : 0;
        for (int32_t l = 0; l < lanes; ++l) {
            uint64_t d = xs ^ bnnc_load_bytes(w + l * row + at, n);
            if (mask != NULL) {
                const uint64_t m = bnnc_load_bytes(mask + l * row + at, n);
                d &= m;
                nonzero[l] += bnnc_popcount64(m);
            }
            differ[l] += bnnc_popcount64(d);
        }
    }
}

/* Padded taps hold pad_value = z in every channel: they add z times the sum of their weights,
 * z * (N - 2 D) with D counted against +1. */
BNNC_TEMPLATE void bnnc_add_padding(const bnnc_block *b, const uint8_t *w, const uint8_t *mask,
                                    ptrdiff_t row, ptrdiff_t tap_bytes, int32_t lanes,
                                    int32_t *sum) {
    const bnnc_conv2d *p = b->p;
    int32_t differ[BNNC_LANES] = {0}, nonzero[BNNC_LANES] = {0}, taps = 0;
    for (int32_t i = 0; i < p->kh; ++i) {
        for (int32_t j = 0; j < p->kw; ++j) {
            if (!bnnc_tap_inside(&b->window, i, j)) {
                const ptrdiff_t at = (i * p->kw + j) * tap_bytes;
                bnnc_count_run(NULL, w + at, mask != NULL ? mask + at : NULL, row, tap_bytes, lanes,
                               differ, nonzero);
                ++taps;
            }
        }
    }
    for (int32_t l = 0; l < lanes; ++l) {
        const int32_t n = mask != NULL ? nonzero[l] : taps * (p->ic / p->groups);
        const int32_t ones = n - 2 * differ[l];
        sum[l] += p->pad_value < 0 ? -ones : ones;
    }
}

/* S for each lane. Groups must begin at byte borders. sign and mask are planes of bits
 * [oc][kh][kw][ic / groups]; a NULL mask stands for all ones. */
BNNC_TEMPLATE void bnnc_accumulate_bits(const bnnc_block *b, const uint8_t *sign,
                                        const uint8_t *mask, int32_t lanes,
                                        bnnc_accumulators *acc) {
    const bnnc_conv2d *p = b->p;
    const bnnc_window *v = &b->window;
    const ptrdiff_t tap_bytes = bnnc_bit_bytes(p->ic / p->groups);
    const ptrdiff_t pixel_bytes = bnnc_bit_bytes(p->ic);
    const ptrdiff_t row = p->kh * p->kw * tap_bytes;
    const uint8_t *image = (const uint8_t *)b->image + b->group * tap_bytes;
    const uint8_t *w = sign + b->oc * row;
    const uint8_t *m = mask != NULL ? mask + b->oc * row : NULL;
    int32_t differ[BNNC_LANES] = {0}, nonzero[BNNC_LANES] = {0}, sum[BNNC_LANES];
    const int32_t taps = v->kw_hi - v->kw_lo;
    /* Neighbouring taps are neighbours in memory, in x as in w: one run per row of the kernel.
     * The zero tails between them agree and count nothing. */
    const int whole_row = p->dilation_w == 1 && pixel_bytes == tap_bytes;
    const int32_t runs = whole_row ? taps > 0 : taps;
    const ptrdiff_t len = whole_row ? taps * tap_bytes : tap_bytes;
    for (int32_t i = v->kh_lo; i < v->kh_hi; ++i) {
        for (int32_t r = 0; r < runs; ++r) {
            const int32_t j = v->kw_lo + r;
            const ptrdiff_t at = (i * p->kw + j) * tap_bytes;
            bnnc_count_run(image + bnnc_tap_pixel(b, i, j) * pixel_bytes, w + at,
                           m != NULL ? m + at : NULL, row, len, lanes, differ, nonzero);
        }
    }
    for (int32_t l = 0; l < lanes; ++l) {
        const int32_t full = (v->kh_hi - v->kh_lo) * taps * (p->ic / p->groups);
        sum[l] = (m != NULL ? nonzero[l] : full) - 2 * differ[l];
    }
    if (p->pad_value != 0) {
        bnnc_add_padding(b, w, m, row, tap_bytes, lanes, sum);
    }
    memcpy(acc->i + b->lane, sum, (size_t)lanes * sizeof sum[0]);
}

#endif
