/* SPDX-License-Identifier: 0BSD */
/* Depthwise convolution: float activations, bit weights in tiles of eight channels, a byte for each
 * tap. */
#include "bnnc/kernels.h"
#include "bnnc/neon_depthwise.h"
#include "bnnc/sign_tiles.h"

BNNC_TEMPLATE bnnc_lanes8 weights(const void *w, ptrdiff_t tap) {
    return bnnc_eight(bnnc_sign_tiles[((const uint8_t *)w)[tap]]);
}

void BNNC_SYM(depthwise_fb_neon_f32)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                     const float *alpha, const float *bias, float *y) {
    const bnnc_end end = {NULL, alpha, bias, y};
    bnnc_depthwise_layer(p, x, w, &end, weights, bnnc_finish_scaled_lanes);
}

void BNNC_SYM(depthwise_fb_neon_thr)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                     const float *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    bnnc_depthwise_layer(p, x, w, &end, weights, bnnc_finish_bits_lanes);
}

void BNNC_SYM(depthwise_fb_neon_lvl)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                     const float *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    bnnc_depthwise_layer(p, x, w, &end, weights, bnnc_finish_levels_lanes);
}
