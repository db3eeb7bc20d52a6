/* SPDX-License-Identifier: 0BSD */
/* Convolution of bit activations whose channel groups do not begin at byte borders. */
#include "bnnc/conv_slices.h"
#include "bnnc/kernels.h"

void BNNC_SYM(conv2d_bb_bits_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const float *alpha, const float *bias, float *y) {
    bnnc_conv2d_scaled(p, x, bnnc_bit_image_bytes(p), w, alpha, bias, y, bnnc_binary_slices, 1);
}

void BNNC_SYM(conv2d_bb_bits_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y) {
    bnnc_conv2d_cut(p, x, bnnc_bit_image_bytes(p), w, thr, y, bnnc_binary_slices, 1);
}

void BNNC_SYM(conv2d_bb_bits_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y) {
    bnnc_conv2d_levels(p, x, bnnc_bit_image_bytes(p), w, thr, y, bnnc_binary_slices, 1);
}

void BNNC_SYM(conv2d_bt_bits_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const float *alpha, const float *bias, float *y) {
    bnnc_conv2d_scaled(p, x, bnnc_bit_image_bytes(p), w, alpha, bias, y, bnnc_ternary_slices, 1);
}

void BNNC_SYM(conv2d_bt_bits_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y) {
    bnnc_conv2d_cut(p, x, bnnc_bit_image_bytes(p), w, thr, y, bnnc_ternary_slices, 1);
}

void BNNC_SYM(conv2d_bt_bits_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y) {
    bnnc_conv2d_levels(p, x, bnnc_bit_image_bytes(p), w, thr, y, bnnc_ternary_slices, 1);
}
