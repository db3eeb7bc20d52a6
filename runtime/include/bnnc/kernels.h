/* SPDX-License-Identifier: 0BSD */
/* Every kernel. Parameters come first, the result last; kernels.toml says what each computes.
 * Activations are NHWC. Bits: channel c of the last axis is bit c % 8 of byte c / 8, 1 is -1,
 * unused bits are 0. Levels are planes of such bits, plane j holding bit j of every level. Bit
 * weights likewise; ternary weights are a plane of signs, then a plane of nonzero masks. alpha,
 * bias and flip may be NULL. */
#ifndef BNNC_KERNELS_H
#define BNNC_KERNELS_H

#include "bnnc/common.h"
#include "bnnc/params.h"

void BNNC_SYM(conv2d_ff_f32)(const bnnc_conv2d *p, const float *x, const float *w,
                             const float *bias, float *y);
void BNNC_SYM(conv2d_ff_thr)(const bnnc_conv2d *p, const float *x, const float *w, const float *thr,
                             uint8_t *y);
void BNNC_SYM(conv2d_ff_lvl)(const bnnc_conv2d *p, const float *x, const float *w, const float *thr,
                             uint8_t *y);

void BNNC_SYM(conv2d_ff_t8_f32)(const bnnc_conv2d *p, const float *x, const float *w,
                                const float *bias, float *y);
void BNNC_SYM(conv2d_ff_t8_thr)(const bnnc_conv2d *p, const float *x, const float *w,
                                const float *thr, uint8_t *y);
void BNNC_SYM(conv2d_ff_t8_lvl)(const bnnc_conv2d *p, const float *x, const float *w,
                                const float *thr, uint8_t *y);

void BNNC_SYM(conv2d_fb_f32)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                             const float *alpha, const float *bias, float *y);
void BNNC_SYM(conv2d_fb_thr)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                             const float *thr, uint8_t *y);
void BNNC_SYM(conv2d_fb_lvl)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                             const float *thr, uint8_t *y);

void BNNC_SYM(conv2d_fb_t8_f32)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                const float *alpha, const float *bias, float *y);
void BNNC_SYM(conv2d_fb_t8_thr)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                const float *thr, uint8_t *y);
void BNNC_SYM(conv2d_fb_t8_lvl)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                const float *thr, uint8_t *y);

void BNNC_SYM(conv2d_ft_f32)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                             const float *alpha, const float *bias, float *y);
void BNNC_SYM(conv2d_ft_thr)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                             const float *thr, uint8_t *y);
void BNNC_SYM(conv2d_ft_lvl)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                             const float *thr, uint8_t *y);

void BNNC_SYM(conv2d_bb_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const float *alpha, const float *bias, float *y);
void BNNC_SYM(conv2d_bb_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_bb_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *thr, uint8_t *y);

void BNNC_SYM(conv2d_bb_x4_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                const float *alpha, const float *bias, float *y);
void BNNC_SYM(conv2d_bb_x4_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_bb_x4_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                const int32_t *thr, uint8_t *y);

void BNNC_SYM(conv2d_bt_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const float *alpha, const float *bias, float *y);
void BNNC_SYM(conv2d_bt_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_bt_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *thr, uint8_t *y);

void BNNC_SYM(conv2d_bb_bits_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const float *alpha, const float *bias, float *y);
void BNNC_SYM(conv2d_bb_bits_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_bb_bits_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_bt_bits_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const float *alpha, const float *bias, float *y);
void BNNC_SYM(conv2d_bt_bits_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_bt_bits_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y);

void BNNC_SYM(conv2d_ub_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const float *alpha, const float *bias, float *y);
void BNNC_SYM(conv2d_ub_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ub_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *thr, uint8_t *y);

void BNNC_SYM(conv2d_ut_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const float *alpha, const float *bias, float *y);
void BNNC_SYM(conv2d_ut_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ut_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *thr, uint8_t *y);

void BNNC_SYM(conv2d_ub_bits_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const float *alpha, const float *bias, float *y);
void BNNC_SYM(conv2d_ub_bits_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ub_bits_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ut_bits_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const float *alpha, const float *bias, float *y);
void BNNC_SYM(conv2d_ut_bits_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ut_bits_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y);

void BNNC_SYM(conv2d_ii_q8)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                            const int32_t *bias, const int32_t *multiplier, const int32_t *shift,
                            uint8_t *y);
void BNNC_SYM(conv2d_ii_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *bias, const float *multiplier, uint8_t *y);
void BNNC_SYM(conv2d_ii_i32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *bias, int32_t *y);
void BNNC_SYM(conv2d_ii_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *bias, const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ii_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *bias, const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ii_wide_q8)(const bnnc_conv2d *p, const uint8_t *x, const int16_t *w,
                                 const int32_t *bias, const int32_t *multiplier,
                                 const int32_t *shift, uint8_t *y);
void BNNC_SYM(conv2d_ii_wide_f32)(const bnnc_conv2d *p, const uint8_t *x, const int16_t *w,
                                  const int32_t *bias, const float *multiplier, uint8_t *y);
void BNNC_SYM(conv2d_ii_wide_i32)(const bnnc_conv2d *p, const uint8_t *x, const int16_t *w,
                                  const int32_t *bias, int32_t *y);
void BNNC_SYM(conv2d_ii_wide_thr)(const bnnc_conv2d *p, const uint8_t *x, const int16_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ii_wide_lvl)(const bnnc_conv2d *p, const uint8_t *x, const int16_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ib_q8)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                            const int32_t *bias, const int32_t *multiplier, const int32_t *shift,
                            uint8_t *y);
void BNNC_SYM(conv2d_ib_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *bias, const float *multiplier, uint8_t *y);
void BNNC_SYM(conv2d_ib_i32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *bias, int32_t *y);
void BNNC_SYM(conv2d_ib_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *bias, const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ib_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *bias, const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ii_dynamic_f32)(const bnnc_conv2d *p, const uint8_t *x, const float *levels,
                                     const uint8_t *w, const float *w_scale, const float *bias,
                                     float *y);
void BNNC_SYM(conv2d_ii_dynamic_i32)(const bnnc_conv2d *p, const uint8_t *x, const float *levels,
                                     const uint8_t *w, int32_t *y);
void BNNC_SYM(conv2d_ii_wide_dynamic_f32)(const bnnc_conv2d *p, const uint8_t *x,
                                          const float *levels, const int16_t *w,
                                          const float *w_scale, const float *bias, float *y);
void BNNC_SYM(conv2d_ii_wide_dynamic_i32)(const bnnc_conv2d *p, const uint8_t *x,
                                          const float *levels, const int16_t *w, int32_t *y);
void BNNC_SYM(conv2d_ib_dynamic_f32)(const bnnc_conv2d *p, const uint8_t *x, const float *levels,
                                     const uint8_t *w, const float *w_scale, const float *bias,
                                     float *y);
void BNNC_SYM(conv2d_ib_dynamic_i32)(const bnnc_conv2d *p, const uint8_t *x, const float *levels,
                                     const uint8_t *w, int32_t *y);

void BNNC_SYM(max_pool_f32)(const bnnc_pool2d *p, const float *x, float *y);
void BNNC_SYM(avg_pool_f32)(const bnnc_pool2d *p, const float *x, float *y);

void BNNC_SYM(max_pool_bits)(const bnnc_pool2d *p, const uint8_t *x, const uint8_t *flip,
                             uint8_t *y);

void BNNC_SYM(max_pool_levels)(const bnnc_pool2d *p, const uint8_t *x, uint8_t *y);

void BNNC_SYM(pack_bits)(const bnnc_rows *p, const float *x, uint8_t *y);
void BNNC_SYM(threshold_f32)(const bnnc_rows *p, const float *x, const float *thr, uint8_t *y);
void BNNC_SYM(unpack_bits)(const bnnc_rows *p, const uint8_t *x, float *y);
void BNNC_SYM(bits_reshape)(const bnnc_reshape_bits *p, const uint8_t *x, uint8_t *y);
void BNNC_SYM(bits_flip)(const bnnc_rows *p, const uint8_t *x, const uint8_t *flip, uint8_t *y);

void BNNC_SYM(quantize_f32)(const bnnc_levels *p, const float *x, const float *thr, uint8_t *y);
void BNNC_SYM(to_levels_f32)(const bnnc_levels *p, const float *x, uint8_t *y);
void BNNC_SYM(dequantize_f32)(const bnnc_levels *p, const uint8_t *x, float *y);
void BNNC_SYM(bytes_to_levels)(const bnnc_levels *p, const uint8_t *x, uint8_t *y);
void BNNC_SYM(levels_to_bytes)(const bnnc_levels *p, const uint8_t *x, uint8_t *y);
void BNNC_SYM(bytes_to_bits)(const bnnc_levels *p, const uint8_t *x, uint8_t *y);
void BNNC_SYM(bits_to_bytes)(const bnnc_levels *p, const uint8_t *x, uint8_t *y);

void BNNC_SYM(add_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y);
void BNNC_SYM(sub_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y);
void BNNC_SYM(mul_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y);
void BNNC_SYM(div_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y);
void BNNC_SYM(div_no_nan_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y);
void BNNC_SYM(maximum_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y);
void BNNC_SYM(minimum_f32)(const bnnc_broadcast *p, const float *a, const float *b, float *y);
void BNNC_SYM(prelu_f32)(const bnnc_broadcast *p, const float *x, const float *slope, float *y);

void BNNC_SYM(relu_f32)(const bnnc_unary *p, const float *x, float *y);
void BNNC_SYM(clip_f32)(const bnnc_unary *p, const float *x, float *y);
void BNNC_SYM(leaky_relu_f32)(const bnnc_unary *p, const float *x, float *y);
void BNNC_SYM(neg_f32)(const bnnc_unary *p, const float *x, float *y);
void BNNC_SYM(abs_f32)(const bnnc_unary *p, const float *x, float *y);
void BNNC_SYM(sign_f32)(const bnnc_unary *p, const float *x, float *y);

void BNNC_SYM(sqrt_f32)(const bnnc_unary *p, const float *x, float *y);
void BNNC_SYM(rsqrt_f32)(const bnnc_unary *p, const float *x, float *y);
void BNNC_SYM(exp_f32)(const bnnc_unary *p, const float *x, float *y);
void BNNC_SYM(log_f32)(const bnnc_unary *p, const float *x, float *y);
void BNNC_SYM(tanh_f32)(const bnnc_unary *p, const float *x, float *y);
void BNNC_SYM(sigmoid_f32)(const bnnc_unary *p, const float *x, float *y);
void BNNC_SYM(round_f32)(const bnnc_unary *p, const float *x, float *y);

void BNNC_SYM(compare_f32)(const bnnc_compare *p, const float *a, const float *b, uint8_t *y);
void BNNC_SYM(compare_u8)(const bnnc_compare *p, const uint8_t *a, const uint8_t *b, uint8_t *y);
void BNNC_SYM(select_f32)(const bnnc_select *p, const uint8_t *condition, const float *a,
                          const float *b, float *y);
void BNNC_SYM(cast_u8_f32)(const bnnc_rows *p, const uint8_t *x, float *y);
void BNNC_SYM(cast_i32_f32)(const bnnc_rows *p, const int32_t *x, float *y);

void BNNC_SYM(gather_f32)(const bnnc_gather *p, const float *x, const int32_t *indices, float *y);
void BNNC_SYM(gather_i32)(const bnnc_gather *p, const int32_t *x, const int32_t *indices,
                          int32_t *y);
void BNNC_SYM(gather_u8)(const bnnc_gather *p, const uint8_t *x, const int32_t *indices,
                         uint8_t *y);
void BNNC_SYM(arg_max_f32)(const bnnc_axis *p, const float *x, int32_t *y);
void BNNC_SYM(top_k_f32)(const bnnc_top_k *p, const float *x, int32_t *y);
void BNNC_SYM(take_along_f32)(const bnnc_top_k *p, const float *x, const int32_t *indices,
                              float *y);

void BNNC_SYM(mat_mul_f32)(const bnnc_mat_mul *p, const float *a, const float *b, float *y);
void BNNC_SYM(product_f32)(const bnnc_axis *p, const float *x, float *y);

void BNNC_SYM(softmax_f32)(const bnnc_rows *p, const float *x, float *y);

void BNNC_SYM(affine_f32)(const bnnc_rows *p, const float *x, const float *scale,
                          const float *offset, float *y);

void BNNC_SYM(quantize_q8)(const bnnc_bytes *p, const float *x, uint8_t *y);
void BNNC_SYM(dequantize_q8)(const bnnc_bytes *p, const uint8_t *x, float *y);
void BNNC_SYM(dequantize_i32)(const bnnc_bytes *p, const int32_t *x, float *y);
void BNNC_SYM(dynamic_levels_f32)(const bnnc_bytes *p, const float *x, float *y);
void BNNC_SYM(dynamic_quantize_f32)(const bnnc_bytes *p, const float *x, const float *levels,
                                    uint8_t *y);
void BNNC_SYM(requantize_q8)(const bnnc_bytes *p, const uint8_t *x, uint8_t *y);
void BNNC_SYM(clamp_q8)(const bnnc_bytes *p, const uint8_t *x, uint8_t *y);
void BNNC_SYM(lookup_q8)(const bnnc_bytes *p, const uint8_t *x, const uint8_t *table, uint8_t *y);

void BNNC_SYM(add_q8)(const bnnc_bytes_binary *p, const uint8_t *a, const uint8_t *b, uint8_t *y);
void BNNC_SYM(sub_q8)(const bnnc_bytes_binary *p, const uint8_t *a, const uint8_t *b, uint8_t *y);
void BNNC_SYM(mul_q8)(const bnnc_bytes_binary *p, const uint8_t *a, const uint8_t *b, uint8_t *y);
void BNNC_SYM(float_binary_q8)(const bnnc_bytes_binary *p, const uint8_t *a, const uint8_t *b,
                               uint8_t *y);

void BNNC_SYM(max_pool_q8)(const bnnc_pool2d *p, const uint8_t *x, uint8_t *y);
void BNNC_SYM(avg_pool_q8)(const bnnc_pool2d *p, const uint8_t *x, uint8_t *y);
void BNNC_SYM(mean_q8)(const bnnc_bytes_mean *p, const uint8_t *x, uint8_t *y);
void BNNC_SYM(softmax_q8)(const bnnc_rows *p, const uint8_t *x, const int32_t *exps, uint8_t *y);

void BNNC_SYM(transpose_f32)(const bnnc_transpose *p, const float *x, float *y);
void BNNC_SYM(pad_f32)(const bnnc_pad *p, const float *x, float *y);
void BNNC_SYM(transpose_i32)(const bnnc_transpose *p, const int32_t *x, int32_t *y);
void BNNC_SYM(transpose_u8)(const bnnc_transpose *p, const uint8_t *x, uint8_t *y);
void BNNC_SYM(pad_u8)(const bnnc_pad *p, const uint8_t *x, uint8_t *y);
void BNNC_SYM(copy_rows)(const bnnc_copy *p, const void *x, void *y);

/* 64-bit ARM. */
void BNNC_SYM(conv2d_bb_neon_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const float *alpha, const float *bias, float *y);
void BNNC_SYM(conv2d_bb_neon_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_bb_neon_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y);

void BNNC_SYM(conv2d_ub_neon_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const float *alpha, const float *bias, float *y);
void BNNC_SYM(conv2d_ub_neon_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ub_neon_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_bt_neon_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const float *alpha, const float *bias, float *y);
void BNNC_SYM(conv2d_bt_neon_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_bt_neon_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ut_neon_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const float *alpha, const float *bias, float *y);
void BNNC_SYM(conv2d_ut_neon_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ut_neon_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y);

void BNNC_SYM(conv2d_ff_neon_f32)(const bnnc_conv2d *p, const float *x, const float *w,
                                  const float *bias, float *y);
void BNNC_SYM(conv2d_ff_neon_thr)(const bnnc_conv2d *p, const float *x, const float *w,
                                  const float *thr, uint8_t *y);
void BNNC_SYM(conv2d_ff_neon_lvl)(const bnnc_conv2d *p, const float *x, const float *w,
                                  const float *thr, uint8_t *y);

void BNNC_SYM(conv2d_ff_fused_f32)(const bnnc_conv2d *p, const float *x, const float *w,
                                   const float *bias, float *y);
void BNNC_SYM(conv2d_ff_fused_thr)(const bnnc_conv2d *p, const float *x, const float *w,
                                   const float *thr, uint8_t *y);
void BNNC_SYM(conv2d_ff_fused_lvl)(const bnnc_conv2d *p, const float *x, const float *w,
                                   const float *thr, uint8_t *y);

void BNNC_SYM(conv2d_fb_neon_f32)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                  const float *alpha, const float *bias, float *y);
void BNNC_SYM(conv2d_fb_neon_thr)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                  const float *thr, uint8_t *y);
void BNNC_SYM(conv2d_fb_neon_lvl)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                  const float *thr, uint8_t *y);

void BNNC_SYM(conv2d_fb_eights_f32)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                    const float *alpha, const float *bias, float *y);
void BNNC_SYM(conv2d_fb_eights_thr)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                    const float *thr, uint8_t *y);
void BNNC_SYM(conv2d_fb_eights_lvl)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                    const float *thr, uint8_t *y);

void BNNC_SYM(depthwise_ff_neon_f32)(const bnnc_conv2d *p, const float *x, const float *w,
                                     const float *bias, float *y);
void BNNC_SYM(depthwise_ff_neon_thr)(const bnnc_conv2d *p, const float *x, const float *w,
                                     const float *thr, uint8_t *y);
void BNNC_SYM(depthwise_ff_neon_lvl)(const bnnc_conv2d *p, const float *x, const float *w,
                                     const float *thr, uint8_t *y);

void BNNC_SYM(depthwise_bb_neon_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const float *alpha, const float *bias, float *y);
void BNNC_SYM(depthwise_bb_neon_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *thr, uint8_t *y);
void BNNC_SYM(depthwise_bb_neon_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *thr, uint8_t *y);
void BNNC_SYM(depthwise_fb_neon_f32)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                     const float *alpha, const float *bias, float *y);
void BNNC_SYM(depthwise_fb_neon_thr)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                     const float *thr, uint8_t *y);
void BNNC_SYM(depthwise_fb_neon_lvl)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                     const float *thr, uint8_t *y);

void BNNC_SYM(pack_bits_neon)(const bnnc_rows *p, const float *x, uint8_t *y);
void BNNC_SYM(threshold_f32_neon)(const bnnc_rows *p, const float *x, const float *thr, uint8_t *y);
void BNNC_SYM(unpack_bits_neon)(const bnnc_rows *p, const uint8_t *x, float *y);
void BNNC_SYM(bits_flip_neon)(const bnnc_rows *p, const uint8_t *x, const uint8_t *flip,
                              uint8_t *y);
void BNNC_SYM(max_pool_bits_neon)(const bnnc_pool2d *p, const uint8_t *x, const uint8_t *flip,
                                  uint8_t *y);
void BNNC_SYM(bytes_to_levels_neon)(const bnnc_levels *p, const uint8_t *x, uint8_t *y);
void BNNC_SYM(levels_to_bytes_neon)(const bnnc_levels *p, const uint8_t *x, uint8_t *y);
void BNNC_SYM(bytes_to_bits_neon)(const bnnc_levels *p, const uint8_t *x, uint8_t *y);
void BNNC_SYM(bits_to_bytes_neon)(const bnnc_levels *p, const uint8_t *x, uint8_t *y);

void BNNC_SYM(conv2d_ii_neon_q8)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                 const int32_t *bias, const int32_t *multiplier,
                                 const int32_t *shift, uint8_t *y);
void BNNC_SYM(conv2d_ii_neon_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const float *multiplier, uint8_t *y);
void BNNC_SYM(conv2d_ii_neon_i32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, int32_t *y);
void BNNC_SYM(conv2d_ii_neon_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ii_neon_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y);

void BNNC_SYM(conv2d_ii_dotprod_q8)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                    const int32_t *bias, const int32_t *multiplier,
                                    const int32_t *shift, uint8_t *y);
void BNNC_SYM(conv2d_ii_dotprod_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, const float *multiplier, uint8_t *y);
void BNNC_SYM(conv2d_ii_dotprod_i32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, int32_t *y);
void BNNC_SYM(conv2d_ii_dotprod_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ii_dotprod_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, const int32_t *thr, uint8_t *y);

void BNNC_SYM(conv2d_ii_i8mm_q8)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                 const int32_t *bias, const int32_t *multiplier,
                                 const int32_t *shift, uint8_t *y);
void BNNC_SYM(conv2d_ii_i8mm_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const float *multiplier, uint8_t *y);
void BNNC_SYM(conv2d_ii_i8mm_i32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, int32_t *y);
void BNNC_SYM(conv2d_ii_i8mm_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ii_i8mm_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y);

void BNNC_SYM(conv2d_ib_neon_q8)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                 const int32_t *bias, const int32_t *multiplier,
                                 const int32_t *shift, uint8_t *y);
void BNNC_SYM(conv2d_ib_neon_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const float *multiplier, uint8_t *y);
void BNNC_SYM(conv2d_ib_neon_i32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, int32_t *y);
void BNNC_SYM(conv2d_ib_neon_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ib_neon_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y);

void BNNC_SYM(conv2d_ib_dotprod_q8)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                    const int32_t *bias, const int32_t *multiplier,
                                    const int32_t *shift, uint8_t *y);
void BNNC_SYM(conv2d_ib_dotprod_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, const float *multiplier, uint8_t *y);
void BNNC_SYM(conv2d_ib_dotprod_i32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, int32_t *y);
void BNNC_SYM(conv2d_ib_dotprod_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ib_dotprod_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, const int32_t *thr, uint8_t *y);

void BNNC_SYM(conv2d_ib_i8mm_q8)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                 const int32_t *bias, const int32_t *multiplier,
                                 const int32_t *shift, uint8_t *y);
void BNNC_SYM(conv2d_ib_i8mm_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const float *multiplier, uint8_t *y);
void BNNC_SYM(conv2d_ib_i8mm_i32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, int32_t *y);
void BNNC_SYM(conv2d_ib_i8mm_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ib_i8mm_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y);

void BNNC_SYM(depthwise_ii_neon_q8)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                    const int32_t *bias, const int32_t *multiplier,
                                    const int32_t *shift, uint8_t *y);
void BNNC_SYM(depthwise_ii_neon_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, const float *multiplier, uint8_t *y);
void BNNC_SYM(depthwise_ii_neon_i32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, int32_t *y);
void BNNC_SYM(depthwise_ii_neon_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, const int32_t *thr, uint8_t *y);
void BNNC_SYM(depthwise_ii_neon_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, const int32_t *thr, uint8_t *y);
void BNNC_SYM(conv2d_ii_neon_dynamic_f32)(const bnnc_conv2d *p, const uint8_t *x,
                                          const float *levels, const uint8_t *w,
                                          const float *w_scale, const float *bias, float *y);
void BNNC_SYM(conv2d_ib_neon_dynamic_f32)(const bnnc_conv2d *p, const uint8_t *x,
                                          const float *levels, const uint8_t *w,
                                          const float *w_scale, const float *bias, float *y);
void BNNC_SYM(depthwise_ii_neon_dynamic_f32)(const bnnc_conv2d *p, const uint8_t *x,
                                             const float *levels, const uint8_t *w,
                                             const float *w_scale, const float *bias, float *y);

void BNNC_SYM(quantize_q8_neon)(const bnnc_bytes *p, const float *x, uint8_t *y);
void BNNC_SYM(dequantize_q8_neon)(const bnnc_bytes *p, const uint8_t *x, float *y);
void BNNC_SYM(lookup_q8_neon)(const bnnc_bytes *p, const uint8_t *x, const uint8_t *table,
                              uint8_t *y);
void BNNC_SYM(max_pool_q8_neon)(const bnnc_pool2d *p, const uint8_t *x, uint8_t *y);
void BNNC_SYM(avg_pool_q8_neon)(const bnnc_pool2d *p, const uint8_t *x, uint8_t *y);
void BNNC_SYM(add_q8_neon)(const bnnc_bytes_binary *p, const uint8_t *a, const uint8_t *b,
                           uint8_t *y);
void BNNC_SYM(sub_q8_neon)(const bnnc_bytes_binary *p, const uint8_t *a, const uint8_t *b,
                           uint8_t *y);

#endif
