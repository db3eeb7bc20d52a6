/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers of quantized bytes, bit weights, groups == 1; 64-bit ARM with
 * products of matrices of bytes.
 *
 * Weights are expanded to bytes, eight channels at a time, for as many windows as there is room
 * for. */
#include "bnnc/kernels.h"
#include "bnnc/neon_matrix_tiles.h"

BNNC_TEMPLATE void use(const bnnc_byte_windows *s, const void *all, bnnc_set_factors set,
                       bnnc_finish_tile finish) {
    int8_t room[BNNC_BYTE_ROOM];
    int8_t tile[BNNC_SIGN_TILE];
    bnnc_use_tiles(s, bnnc_in_eights(s, room), all, tile, BNNC_MATRIX_BLOCK, bnnc_matrix_block,
                   bnnc_matrix_window, set, finish);
}

BNNC_USE_FOR_EACH_END(use)

BNNC_TEMPLATE void convolve(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                            const bnnc_byte_end *end, bnnc_use_byte_windows use) {
    const bnnc_byte_layer all = {w, end};
    const bnnc_byte_wish wish = {BNNC_MATRIX_BLOCK, BNNC_BYTE_ROOM, 0};
    bnnc_each_byte_window(p, x, wish, use, &all);
}

void BNNC_SYM(conv2d_ib_i8mm_q8)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                 const int32_t *bias, const int32_t *multiplier,
                                 const int32_t *shift, uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, shift, NULL, y};
    convolve(p, x, w, &end, to_fixed);
}

void BNNC_SYM(conv2d_ib_i8mm_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const float *multiplier, uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, NULL, NULL, y};
    convolve(p, x, w, &end, to_float);
}

void BNNC_SYM(conv2d_ib_i8mm_i32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, int32_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, NULL, y};
    convolve(p, x, w, &end, to_sums);
}

void BNNC_SYM(conv2d_ib_i8mm_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, &end, to_bits);
}

void BNNC_SYM(conv2d_ib_i8mm_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, &end, to_levels);
}
