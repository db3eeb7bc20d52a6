/* SPDX-License-Identifier: 0BSD */
/* Convolution of bit or level activations whose channel groups do not begin at byte borders: one
 * product after the other. */
#ifndef BNNC_CONV_SLICES_H
#define BNNC_CONV_SLICES_H

#include "bnnc/conv_loop.h"

/* The activation at position c of a pixel: a level of bits_in planes, or without planes -1 or +1.
 */
BNNC_TEMPLATE int32_t bnnc_activation(const bnnc_conv2d *p, const uint8_t *pixel, ptrdiff_t c) {
    if (p->bits_in == 0) {
        return 1 - 2 * bnnc_load_level(pixel, 1, 0, c);
    }
    return bnnc_load_level(pixel, p->bits_in, p->n * bnnc_bit_image_bytes(p), c);
}

/* S = sum of x * w, x = pad_value in padded taps. A NULL mask stands for all ones. */
BNNC_TEMPLATE int32_t bnnc_sum_of_slice(const bnnc_block *b, const uint8_t *sign,
                                        const uint8_t *mask) {
    const bnnc_conv2d *p = b->p;
    const int32_t channels = p->ic / p->groups;
    ptrdiff_t tap = (ptrdiff_t)b->oc * p->kh * p->kw * bnnc_bit_bytes(channels);
    int32_t sum = 0;
    for (int32_t i = 0; i < p->kh; ++i) {
        for (int32_t j = 0; j < p->kw; ++j, tap += bnnc_bit_bytes(channels)) {
            const int inside = bnnc_tap_inside(&b->window, i, j);
            const uint8_t *pixel = (const uint8_t *)b->image;
            if (inside) {
                pixel += bnnc_tap_pixel(b, i, j) * bnnc_bit_bytes(p->ic);
            }
            for (int32_t c = 0; c < channels; ++c) {
                const ptrdiff_t at = (ptrdiff_t)b->group * channels + c;
                const int32_t x = inside ? bnnc_activation(p, pixel, at) : (int32_t)p->pad_value;
                const int32_t w = 1 - 2 * bnnc_load_level(sign + tap, 1, 0, c);
                if (mask == NULL || bnnc_load_level(mask + tap, 1, 0, c)) {
                    sum += x * w;
                }
            }
        }
    }
    return sum;
}

/* Groups make blocks of one lane; the loop serves groups == 1, which other kernels do better. */
BNNC_TEMPLATE void bnnc_accumulate_slices(const bnnc_block *b, const uint8_t *mask, int32_t lanes,
                                          bnnc_accumulators *acc) {
    bnnc_block one = *b;
    for (int32_t l = 0; l < lanes; ++l) {
        one.oc = b->oc + l;
        acc->i[b->lane + l] = bnnc_sum_of_slice(&one, (const uint8_t *)b->w, mask);
    }
}

BNNC_TEMPLATE void bnnc_binary_slices(const bnnc_block *b, int32_t lanes, bnnc_accumulators *acc) {
    bnnc_accumulate_slices(b, NULL, lanes, acc);
}

BNNC_TEMPLATE void bnnc_ternary_slices(const bnnc_block *b, int32_t lanes, bnnc_accumulators *acc) {
    bnnc_accumulate_slices(b, (const uint8_t *)b->w + bnnc_plane_bytes(b->p), lanes, acc);
}

#endif
