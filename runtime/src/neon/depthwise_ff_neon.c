/* SPDX-License-Identifier: 0BSD */
/* Depthwise convolution: float activations, float weights in tiles of eight channels, [(c + 7) /
 * 8][kh][kw][8]. */
#include "bnnc/kernels.h"
#include "bnnc/neon_depthwise.h"

BNNC_TEMPLATE bnnc_lanes8 weights(const void *w, ptrdiff_t tap) {
    return bnnc_eight((const float *)w + tap * BNNC_LANES);
}

void BNNC_SYM(depthwise_ff_neon_f32)(const bnnc_conv2d *p, const float *x, const float *w,
                                     const float *bias, float *y) {
    const bnnc_end end = {NULL, NULL, bias, y};
    bnnc_depthwise_layer(p, x, w, &end, weights, bnnc_finish_scaled_lanes);
}

void BNNC_SYM(depthwise_ff_neon_thr)(const bnnc_conv2d *p, const float *x, const float *w,
                                     const float *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    bnnc_depthwise_layer(p, x, w, &end, weights, bnnc_finish_bits_lanes);
}

void BNNC_SYM(depthwise_ff_neon_lvl)(const bnnc_conv2d *p, const float *x, const float *w,
                                     const float *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    bnnc_depthwise_layer(p, x, w, &end, weights, bnnc_finish_levels_lanes);
}
