/* SPDX-License-Identifier: 0BSD */
/* The constant parameters of each kernel family. Sizes and strides count elements, those of
 * bnnc_copy count bytes. */
#ifndef BNNC_PARAMS_H
#define BNNC_PARAMS_H

#include <stdint.h>

#define BNNC_MAX_DIMS 6

/* x [n][ih][iw][ic], w [oc][kh][kw][ic / groups], y [n][oh][ow][oc]. Tap (i, j) of output
 * (oy, ox) is input (oy * stride_h - pad_top + i * dilation_h, and likewise for columns); outside
 * of the input it is pad_value in every channel (-1, 0 or +1 where x is bits, a level where it is
 * levels). Dense layers have ih = iw = oh = ow = kh = kw = 1. */
typedef struct {
    int32_t n, ih, iw, ic, oh, ow, oc, kh, kw;
    int32_t stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left, groups;
    int32_t nan_minus;         /* a NaN passes all thresholds (0) or none (1) */
    int32_t bits_in, bits_out; /* planes of x and of y, where they are levels */
    int32_t levels;            /* thresholds per channel, where y is levels */
    /* Where x and y are quantized bytes: zero points, bounds of y, whether x has no sign, and
     * whether products are rounded twice. */
    int32_t x_zero, y_zero, lo, hi, x_unsigned, round_twice;
    float pad_value;
} bnnc_conv2d;

/* Every window must meet the input. */
typedef struct {
    int32_t n, ih, iw, c, oh, ow, kh, kw, stride_h, stride_w, pad_top, pad_left;
    int32_t include_pad; /* average: divide by kh * kw rather than by what lies in the input */
    int32_t bits;        /* planes, where x is levels */
    int32_t lo, hi, x_unsigned; /* bounds and sign, where x is quantized bytes */
} bnnc_pool2d;

/* A matrix of channels: c counts logical elements, whether floats or bits. */
typedef struct {
    int32_t rows, c;
    int32_t nan_minus;
} bnnc_rows;

/* A matrix of levels or bits in `bits` planes. Thresholds, or the highest level: levels. */
typedef struct {
    int32_t rows, c, bits, levels, low;
    int32_t nan_minus;
    float scale, offset;
} bnnc_levels;

/* Result dimensions, leading ones filled with 1; a stride of 0 repeats the operand. */
typedef struct {
    int32_t dims[BNNC_MAX_DIMS], stride_a[BNNC_MAX_DIMS], stride_b[BNNC_MAX_DIMS];
} bnnc_broadcast;

/* clip: bounds. leaky_relu: lo is alpha. sign: lo is the result for zero, hi for NaN unless it is
 * 0, then NaN stays. The others use neither. */
typedef struct {
    int32_t count;
    float lo, hi;
} bnnc_unary;

/* Result dimensions, and the input's stride along each of them. */
typedef struct {
    int32_t dims[BNNC_MAX_DIMS], stride[BNNC_MAX_DIMS];
} bnnc_transpose;

/* Input element i stands at before + i along each axis of the result; value stands elsewhere. */
typedef struct {
    int32_t dims[BNNC_MAX_DIMS], in_dims[BNNC_MAX_DIMS], before[BNNC_MAX_DIMS];
    float value;
} bnnc_pad;

typedef struct {
    int32_t rows, row_bytes, src_stride, dst_stride, src_offset, dst_offset;
} bnnc_copy;

/* Bit k of wanted: whether relation k holds; less 0, equal 1, greater 2, one is NaN 3. */
typedef struct {
    int32_t dims[BNNC_MAX_DIMS], stride_a[BNNC_MAX_DIMS], stride_b[BNNC_MAX_DIMS];
    int32_t wanted;
} bnnc_compare;

typedef struct {
    int32_t dims[BNNC_MAX_DIMS], stride_condition[BNNC_MAX_DIMS];
    int32_t stride_a[BNNC_MAX_DIMS], stride_b[BNNC_MAX_DIMS];
} bnnc_select;

/* x is [outer, size, inner], of which count elements of the middle axis are taken. */
typedef struct {
    int32_t outer, size, count, inner;
} bnnc_gather;

/* x is [outer, count, inner], and the middle axis goes. */
typedef struct {
    int32_t outer, count, inner;
    int32_t last; /* arg_max: of equal elements the last */
} bnnc_axis;

/* k elements for each of the rows of c. */
typedef struct {
    int32_t rows, c, k;
} bnnc_top_k;

/* A stride of 0 repeats the matrix. */
typedef struct {
    int32_t stack, m, k, n, stride_a, stride_b;
} bnnc_mat_mul;

/* Quantized bytes one by one: a byte q stands for scale * (q - zero). */
typedef struct {
    int32_t count, x_zero, y_zero, lo, hi, x_unsigned;
    int32_t halves_even;                    /* quantize: to even (1) or away from zero (0) */
    int32_t multiplier, shift, round_twice; /* requantize: see fixed_point.h */
    float scale;
} bnnc_bytes;

/* Two tensors of quantized bytes; dimensions and strides as in bnnc_broadcast. Sums are taken in
 * steps left_shift bits finer than the coarser operand's, or in the floats that bytes stand for:
 * kind 0 adds, 1 subtracts, 2 multiplies. */
typedef struct {
    int32_t dims[BNNC_MAX_DIMS], stride_a[BNNC_MAX_DIMS], stride_b[BNNC_MAX_DIMS];
    int32_t a_zero, b_zero, y_zero, left_shift, lo, hi;
    int32_t a_multiplier, a_shift, b_multiplier, b_shift, y_multiplier, y_shift;
    int32_t a_unsigned, b_unsigned, kind;
    float a_scale, b_scale, y_scale;
} bnnc_bytes_binary;

/* Means over the middle of x [outer][count][inner]. */
typedef struct {
    int32_t outer, count, inner, x_zero, y_zero, x_unsigned, multiplier, shift, lo, hi;
} bnnc_bytes_mean;

/* rows_in * c_in == rows_out * c_out. */
typedef struct {
    int32_t rows_in, c_in, rows_out, c_out;
} bnnc_reshape_bits;

#endif
