/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers: float activations, float weights [oc][kh][kw][ic / groups], sums by
 * fused multiply-add. */
#include "bnnc/conv_floats.h"
#include "bnnc/kernels.h"
#include "bnnc/neon.h"

BNNC_TEMPLATE float fused(float acc, float x, float w) {
    return vget_lane_f32(vfma_f32(vdup_n_f32(acc), vdup_n_f32(x), vdup_n_f32(w)), 0);
}

BNNC_TEMPLATE void accumulate(const bnnc_block *b, int32_t lanes, bnnc_accumulators *acc) {
    bnnc_accumulate_floats(b, lanes, acc, fused);
}

void BNNC_SYM(conv2d_ff_fused_f32)(const bnnc_conv2d *p, const float *x, const float *w,
                                   const float *bias, float *y) {
    bnnc_conv2d_scaled(p, x, bnnc_float_image_bytes(p), w, NULL, bias, y, accumulate, 0);
}

void BNNC_SYM(conv2d_ff_fused_thr)(const bnnc_conv2d *p, const float *x, const float *w,
                                   const float *thr, uint8_t *y) {
    bnnc_conv2d_cut(p, x, bnnc_float_image_bytes(p), w, thr, y, accumulate, 0);
}

void BNNC_SYM(conv2d_ff_fused_lvl)(const bnnc_conv2d *p, const float *x, const float *w,
                                   const float *thr, uint8_t *y) {
    bnnc_conv2d_levels(p, x, bnnc_float_image_bytes(p), w, thr, y, accumulate, 0);
}
