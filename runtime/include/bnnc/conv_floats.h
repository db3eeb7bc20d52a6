/* SPDX-License-Identifier: 0BSD */
/* Float activations times float weights [oc][kh][kw][ic / groups], taps in the order kh, kw, ic. */
#ifndef BNNC_CONV_FLOATS_H
#define BNNC_CONV_FLOATS_H

#include "bnnc/conv_loop.h"

/* acc + x * w, rounded once or twice: the order of the sums. */
typedef float (*bnnc_multiply_add)(float acc, float x, float w);

/* Taps padded with 0 are left out. This does not show for finite weights: their products are +-0,
 * acc is never -0 (it starts as +0, and a sum rounds to -0 only from two terms -0), and any other
 * acc + (+-0) is acc. */
BNNC_TEMPLATE void bnnc_accumulate_floats(const bnnc_block *b, int32_t lanes,
                                          bnnc_accumulators *acc, bnnc_multiply_add add) {
    const bnnc_conv2d *p = b->p;
    const int32_t channels = p->ic / p->groups;
    const ptrdiff_t row = (ptrdiff_t)p->kh * p->kw * channels;
    const float *image = (const float *)b->image + (ptrdiff_t)b->group * channels;
    const float *w = (const float *)b->w + b->oc * row;
    float sum[BNNC_LANES] = {0};
    for (int32_t i = 0; i < p->kh; ++i) {
        for (int32_t j = 0; j < p->kw; ++j, w += channels) {
            const float *taps = &p->pad_value;
            int32_t step = 0;
            if (bnnc_tap_inside(&b->window, i, j)) {
                taps = image + bnnc_tap_pixel(b, i, j) * p->ic;
                step = 1;
            } else if (p->pad_value == 0) {
                continue;
            }
            for (int32_t c = 0; c < channels; ++c) {
                const float x = taps[c * step];
                for (int32_t l = 0; l < lanes; ++l) {
                    sum[l] = add(sum[l], x, w[l * row + c]);
                }
            }
        }
    }
    memcpy(acc->f + b->lane, sum, (size_t)lanes * sizeof sum[0]);
}

#endif
