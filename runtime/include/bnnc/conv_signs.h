/* SPDX-License-Identifier: 0BSD */
/* Float activations times bit or ternary weights: add, subtract or leave out. */
#ifndef BNNC_CONV_SIGNS_H
#define BNNC_CONV_SIGNS_H

#include "bnnc/conv_loop.h"

/* acc = fl(acc + x) or fl(acc - x) per tap, in the order kh, kw, ic. sign and mask are planes of
 * bits [oc][kh][kw][ic / groups]; a NULL mask stands for all ones.
 *
 * acc - x is acc + (-x) exactly. A zero weight adds +0 instead of branching, and taps padded with
 * 0 are left out: neither shows, since acc is never -0 (it starts as +0, and a sum rounds to -0
 * only from two terms -0) and any other acc + (+-0) is acc. */
BNNC_TEMPLATE void bnnc_accumulate_signs(const bnnc_block *b, const uint8_t *sign,
                                         const uint8_t *mask, int32_t lanes,
                                         bnnc_accumulators *acc) {
    const bnnc_conv2d *p = b->p;
    const int32_t channels = p->ic / p->groups;
    const ptrdiff_t tap_bytes = bnnc_bit_bytes(channels);
    const ptrdiff_t row = p->kh * p->kw * tap_bytes;
    const float *image = (const float *)b->image + (ptrdiff_t)b->group * channels;
    ptrdiff_t at = b->oc * row;
    float sum[BNNC_LANES] = {0};
    for (int32_t i = 0; i < p->kh; ++i) {
        for (int32_t j = 0; j < p->kw; ++j, at += tap_bytes) {
            const float *taps = &p->pad_value;
            int32_t step = 0;
            if (bnnc_tap_inside(&b->window, i, j)) {
                taps = image + bnnc_tap_pixel(b, i, j) * p->ic;
                step = 1;
            } else if (p->pad_value == 0) {
                continue;
            }
            for (int32_t c = 0; c < channels; ++c) {
                const uint32_t bits = bnnc_float_bits(taps[c * step]);
                const ptrdiff_t byte = at + c / 8;
                for (int32_t l = 0; l < lanes; ++l) {
                    const uint32_t minus = (uint32_t)sign[byte + l * row] >> (c % 8) & 1;
                    uint32_t term = bits ^ minus << 31;
                    if (mask != NULL) {
                        /* The sign is 0 where the mask is, so this is +0 there. */
                        const uint32_t keep = (uint32_t)mask[byte + l * row] >> (c % 8) & 1;
                        term &= 0u - keep;
                    }
                    sum[l] = sum[l] + bnnc_bits_float(term);
                }
            }
        }
    }
    memcpy(acc->f + b->lane, sum, (size_t)lanes * sizeof sum[0]);
}

#endif
