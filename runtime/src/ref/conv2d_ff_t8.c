/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers: float activations, float weights in tiles of 8 output channels,
 * [(oc + 7) / 8][kh][kw][ic][8], zeros behind the last channel; groups == 1. */
#include "bnnc/conv_loop.h"
#include "bnnc/kernels.h"

/* As in conv2d_ff.c, with the eight weights that meet one activation side by side. */
BNNC_TEMPLATE void accumulate(const bnnc_block *b, int32_t lanes, bnnc_accumulators *acc) {
    const bnnc_conv2d *p = b->p;
    const float *w = (const float *)b->w + (ptrdiff_t)b->oc * p->kh * p->kw * p->ic;
    float sum[BNNC_LANES] = {0};
    for (int32_t i = 0; i < p->kh; ++i) {
        for (int32_t j = 0; j < p->kw; ++j, w += (ptrdiff_t)p->ic * BNNC_LANES) {
            const float *taps = &p->pad_value;
            int32_t step = 0;
            if (bnnc_tap_inside(&b->window, i, j)) {
                taps = (const float *)b->image + bnnc_tap_pixel(b, i, j) * p->ic;
                step = 1;
            } else if (p->pad_value == 0) {
                continue;
            }
            for (int32_t c = 0; c < p->ic; ++c) {
                const float x = taps[c * step];
                for (int32_t l = 0; l < BNNC_LANES; ++l) {
                    sum[l] = sum[l] + x * w[c * BNNC_LANES + l];
                }
            }
        }
    }
    memcpy(acc->f, sum, (size_t)lanes * sizeof sum[0]);
}

void BNNC_SYM(conv2d_ff_t8_f32)(const bnnc_conv2d *p, const float *x, const float *w,
                                const float *bias, float *y) {
    bnnc_conv2d_scaled(p, x, bnnc_float_image_bytes(p), w, NULL, bias, y, accumulate, 0);
}

void BNNC_SYM(conv2d_ff_t8_thr)(const bnnc_conv2d *p, const float *x, const float *w,
                                const float *thr, uint8_t *y) {
    bnnc_conv2d_cut(p, x, bnnc_float_image_bytes(p), w, thr, y, accumulate, 0);
}

void BNNC_SYM(conv2d_ff_t8_lvl)(const bnnc_conv2d *p, const float *x, const float *w,
                                const float *thr, uint8_t *y) {
    bnnc_conv2d_levels(p, x, bnnc_float_image_bytes(p), w, thr, y, accumulate, 0);
}
