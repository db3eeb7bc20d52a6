/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers of quantized bytes; 64-bit ARM with dot products. */
#include "bnnc/kernels.h"
#include "bnnc/neon_dot_tiles.h"

BNNC_TEMPLATE void use(const bnnc_byte_windows *s, const void *all, bnnc_set_factors set,
                       bnnc_finish_tile finish) {
    bnnc_use_tiles(s, bnnc_as_they_are(s, BNNC_DOT_BLOCK), all, NULL, BNNC_DOT_BLOCK,
                   bnnc_dot_block, bnnc_dot_window, set, finish);
}

BNNC_USE_FOR_EACH_END(use)

BNNC_TEMPLATE void convolve(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                            const bnnc_byte_end *end, bnnc_use_byte_windows use) {
    const bnnc_byte_layer all = {w, end};
    const bnnc_byte_wish wish = {BNNC_DOT_BLOCK, BNNC_BYTE_NEAR, 0};
    bnnc_each_byte_window(p, x, wish, use, &all);
}

void BNNC_SYM(conv2d_ii_dotprod_q8)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                    const int32_t *bias, const int32_t *multiplier,
                                    const int32_t *shift, uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, shift, NULL, y};
    convolve(p, x, w, &end, to_fixed);
}

void BNNC_SYM(conv2d_ii_dotprod_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, const float *multiplier, uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, NULL, NULL, y};
    convolve(p, x, w, &end, to_float);
}

void BNNC_SYM(conv2d_ii_dotprod_i32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, int32_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, NULL, y};
    convolve(p, x, w, &end, to_sums);
}

void BNNC_SYM(conv2d_ii_dotprod_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, &end, to_bits);
}

void BNNC_SYM(conv2d_ii_dotprod_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, &end, to_levels);
}
