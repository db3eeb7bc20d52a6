/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers of quantized bytes, weights [oc][kh][kw][ic / groups] of 8 or 16
 * bits without zero point. */
#include "bnnc/conv_bytes.h"
#include "bnnc/kernels.h"

/* Sums of products of numbers of 16 bits, the form that compilers make multiply-and-add of. */
BNNC_TEMPLATE void multiply_4x2(bnnc_byte_block *b, int32_t lane, const void *w, const void *v,
                                int32_t n, int wide) {
    const int16_t *x0 = bnnc_piece(b, 0), *x1 = bnnc_piece(b, 1);
    const int16_t *x2 = bnnc_piece(b, 2), *x3 = bnnc_piece(b, 3);
    int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0, c0 = 0, c1 = 0, c2 = 0, c3 = 0;
    for (int32_t k = 0; k < n; ++k) {
        const int16_t s = wide ? ((const int16_t *)w)[k] : ((const int8_t *)w)[k];
        const int16_t t = wide ? ((const int16_t *)v)[k] : ((const int8_t *)v)[k];
        a0 += x0[k] * s, a1 += x1[k] * s, a2 += x2[k] * s, a3 += x3[k] * s;
        c0 += x0[k] * t, c1 += x1[k] * t, c2 += x2[k] * t, c3 += x3[k] * t;
    }
    bnnc_add_four(b, lane, a0, a1, a2, a3);
    bnnc_add_four(b, lane + 1, c0, c1, c2, c3);
}

BNNC_TEMPLATE void multiply_1x1(bnnc_byte_block *b, int32_t lane, const void *w, int32_t n,
                                int wide) {
    for (int32_t q = 0; q < b->pixels; ++q) {
        const int16_t *x = bnnc_piece(b, q);
        int32_t sum = 0;
        for (int32_t k = 0; k < n; ++k) {
            const int16_t s = wide ? ((const int16_t *)w)[k] : ((const int8_t *)w)[k];
            sum += x[k] * s;
        }
        b->sum[q * BNNC_BYTE_CHANNELS + lane] += sum;
    }
}

BNNC_TEMPLATE void multiply(bnnc_byte_block *b, int32_t lane, int32_t lanes, const uint8_t *w,
                            ptrdiff_t row, int32_t n, int wide) {
    for (; b->pixels > 1 && lanes >= 2; lanes -= 2, lane += 2, w += 2 * row) {
        multiply_4x2(b, lane, w, w + row, n, wide);
    }
    for (; lanes > 0; --lanes, ++lane, w += row) {
        multiply_1x1(b, lane, w, n, wide);
    }
}

BNNC_NOINLINE void multiply_8(bnnc_byte_block *b, int32_t lane, int32_t lanes, const uint8_t *w,
                              ptrdiff_t row, int32_t n) {
    multiply(b, lane, lanes, w, row, n, 0);
}

BNNC_NOINLINE void multiply_16(bnnc_byte_block *b, int32_t lane, int32_t lanes, const uint8_t *w,
                               ptrdiff_t row, int32_t n) {
    multiply(b, lane, lanes, w, row, n, 1);
}

BNNC_TEMPLATE void convolve(const bnnc_conv2d *p, const uint8_t *x, const void *w, int32_t bits,
                            const bnnc_byte_end *end, bnnc_finish_bytes finish) {
    bnnc_conv2d_bytes(p, x, w, bits, p->ic / p->groups, end, bits == 8 ? multiply_8 : multiply_16,
                      finish);
}

void BNNC_SYM(conv2d_ii_q8)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                            const int32_t *bias, const int32_t *multiplier, const int32_t *shift,
                            uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, shift, NULL, y};
    convolve(p, x, w, 8, &end, bnnc_end_fixed);
}

void BNNC_SYM(conv2d_ii_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *bias, const float *multiplier, uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, NULL, NULL, y};
    convolve(p, x, w, 8, &end, bnnc_end_float);
}

void BNNC_SYM(conv2d_ii_i32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *bias, int32_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, NULL, y};
    convolve(p, x, w, 8, &end, bnnc_end_sums);
}

void BNNC_SYM(conv2d_ii_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, 8, &end, bnnc_end_bits);
}

void BNNC_SYM(conv2d_ii_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, 8, &end, bnnc_end_levels);
}

void BNNC_SYM(conv2d_ii_wide_q8)(const bnnc_conv2d *p, const uint8_t *x, const int16_t *w,
                                 const int32_t *bias, const int32_t *multiplier,
                                 const int32_t *shift, uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, shift, NULL, y};
    convolve(p, x, w, 16, &end, bnnc_end_fixed);
}

void BNNC_SYM(conv2d_ii_wide_f32)(const bnnc_conv2d *p, const uint8_t *x, const int16_t *w,
                                  const int32_t *bias, const float *multiplier, uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, NULL, NULL, y};
    convolve(p, x, w, 16, &end, bnnc_end_float);
}

void BNNC_SYM(conv2d_ii_wide_i32)(const bnnc_conv2d *p, const uint8_t *x, const int16_t *w,
                                  const int32_t *bias, int32_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, NULL, y};
    convolve(p, x, w, 16, &end, bnnc_end_sums);
}

void BNNC_SYM(conv2d_ii_wide_thr)(const bnnc_conv2d *p, const uint8_t *x, const int16_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, 16, &end, bnnc_end_bits);
}

void BNNC_SYM(conv2d_ii_wide_lvl)(const bnnc_conv2d *p, const uint8_t *x, const int16_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, 16, &end, bnnc_end_levels);
}

void BNNC_SYM(conv2d_ii_dynamic_f32)(const bnnc_conv2d *p, const uint8_t *x, const float *levels,
                                     const uint8_t *w, const float *w_scale, const float *bias,
                                     float *y) {
    const bnnc_real_end real = {levels[0], w_scale, bias};
    const bnnc_byte_end end = {NULL, &real, NULL, NULL, y};
    const bnnc_conv2d own = bnnc_with_zero(p, levels);
    convolve(&own, x, w, 8, &end, bnnc_end_real);
}

void BNNC_SYM(conv2d_ii_dynamic_i32)(const bnnc_conv2d *p, const uint8_t *x, const float *levels,
                                     const uint8_t *w, int32_t *y) {
    const bnnc_byte_end end = {NULL, NULL, NULL, NULL, y};
    const bnnc_conv2d own = bnnc_with_zero(p, levels);
    convolve(&own, x, w, 8, &end, bnnc_end_sums);
}

void BNNC_SYM(conv2d_ii_wide_dynamic_f32)(const bnnc_conv2d *p, const uint8_t *x,
                                          const float *levels, const int16_t *w,
                                          const float *w_scale, const float *bias, float *y) {
    const bnnc_real_end real = {levels[0], w_scale, bias};
    const bnnc_byte_end end = {NULL, &real, NULL, NULL, y};
    const bnnc_conv2d own = bnnc_with_zero(p, levels);
    convolve(&own, x, w, 16, &end, bnnc_end_real);
}

void BNNC_SYM(conv2d_ii_wide_dynamic_i32)(const bnnc_conv2d *p, const uint8_t *x,
                                          const float *levels, const int16_t *w, int32_t *y) {
    const bnnc_byte_end end = {NULL, NULL, NULL, NULL, y};
    const bnnc_conv2d own = bnnc_with_zero(p, levels);
    convolve(&own, x, w, 16, &end, bnnc_end_sums);
}
