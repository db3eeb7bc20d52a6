/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers: bit activations, bit weights, groups at byte borders. */
#include "bnnc/conv_bits.h"
#include "bnnc/kernels.h"

BNNC_TEMPLATE void accumulate(const bnnc_block *b, int32_t lanes, bnnc_accumulators *acc) {
    bnnc_accumulate_bits(b, (const uint8_t *)b->w, NULL, lanes, acc);
}

void BNNC_SYM(conv2d_bb_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const float *alpha, const float *bias, float *y) {
    bnnc_conv2d_scaled(p, x, bnnc_bit_image_bytes(p), w, alpha, bias, y, accumulate, 1);
}

void BNNC_SYM(conv2d_bb_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *thr, uint8_t *y) {
    bnnc_conv2d_cut(p, x, bnnc_bit_image_bytes(p), w, thr, y, accumulate, 1);
}

void BNNC_SYM(conv2d_bb_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *thr, uint8_t *y) {
    bnnc_conv2d_levels(p, x, bnnc_bit_image_bytes(p), w, thr, y, accumulate, 1);
}
