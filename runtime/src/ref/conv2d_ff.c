/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers: float activations, float weights [oc][kh][kw][ic / groups]. */
#include "bnnc/conv_loop.h"
#include "bnnc/kernels.h"

/* acc = fl(acc + fl(x * w)), taps in the order kh, kw, ic.
 *
 * Taps padded with 0 are left out. This does not show for finite weights: their products are +-0,
 * acc is never -0 (it starts as +0, and a sum rounds to -0 only from two terms -0), and any other
 * acc + (+-0) is acc. */
BNNC_TEMPLATE void accumulate(const bnnc_block *b, int32_t lanes, bnnc_accumulators *acc) {
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
                    sum[l] = sum[l] + x * w[l * row + c];
                }
            }
        }
    }
    memcpy(acc->f + b->lane, sum, (size_t)lanes * sizeof sum[0]);
}

void BNNC_SYM(conv2d_ff_f32)(const bnnc_conv2d *p, const float *x, const float *w,
                             const float *bias, float *y) {
    bnnc_conv2d_scaled(p, x, bnnc_float_image_bytes(p), w, NULL, bias, y, accumulate, 0);
}

void BNNC_SYM(conv2d_ff_thr)(const bnnc_conv2d *p, const float *x, const float *w, const float *thr,
                             uint8_t *y) {
    bnnc_conv2d_cut(p, x, bnnc_float_image_bytes(p), w, thr, y, accumulate, 0);
}

void BNNC_SYM(conv2d_ff_lvl)(const bnnc_conv2d *p, const float *x, const float *w, const float *thr,
                             uint8_t *y) {
    bnnc_conv2d_levels(p, x, bnnc_float_image_bytes(p), w, thr, y, accumulate, 0);
}
