/* SPDX-License-Identifier: 0BSD */
/* What kernels use of 64-bit ARM's vectors, made of the instructions that 32-bit ARM has. A vector
 * of 16 bytes is a pair of registers there, so two instructions on halves take the place of one. */
#ifndef BNNC_NEON_32_H
#define BNNC_NEON_32_H

#include <arm_neon.h>

#include "bnnc/common.h"

/* Sums of neighbours. */
BNNC_TEMPLATE uint8x16_t vpaddq_u8(uint8x16_t a, uint8x16_t b) {
    return vcombine_u8(vpadd_u8(vget_low_u8(a), vget_high_u8(a)),
                       vpadd_u8(vget_low_u8(b), vget_high_u8(b)));
}

BNNC_TEMPLATE uint16x8_t vpaddq_u16(uint16x8_t a, uint16x8_t b) {
    return vcombine_u16(vpadd_u16(vget_low_u16(a), vget_high_u16(a)),
                        vpadd_u16(vget_low_u16(b), vget_high_u16(b)));
}

BNNC_TEMPLATE int32x4_t vpaddq_s32(int32x4_t a, int32x4_t b) {
    return vcombine_s32(vpadd_s32(vget_low_s32(a), vget_high_s32(a)),
                        vpadd_s32(vget_low_s32(b), vget_high_s32(b)));
}

BNNC_TEMPLATE uint16_t vaddvq_u16(uint16x8_t a) {
    const uint16x4_t v = vadd_u16(vget_low_u16(a), vget_high_u16(a)), w = vpadd_u16(v, v);
    return vget_lane_u16(vpadd_u16(w, w), 0);
}

BNNC_TEMPLATE uint32_t vaddvq_u32(uint32x4_t a) {
    const uint32x2_t v = vadd_u32(vget_low_u32(a), vget_high_u32(a));
    return vget_lane_u32(vpadd_u32(v, v), 0);
}

BNNC_TEMPLATE uint8_t vmaxvq_u8(uint8x16_t a) {
    const uint8x8_t v = vpmax_u8(vget_low_u8(a), vget_high_u8(a)), w = vpmax_u8(v, v);
    const uint8x8_t u = vpmax_u8(w, w);
    return vget_lane_u8(vpmax_u8(u, u), 0);
}

/* Elements 0, 2, 4 and so on of a, then of b. */
BNNC_TEMPLATE uint16x8_t vuzp1q_u16(uint16x8_t a, uint16x8_t b) { return vuzpq_u16(a, b).val[0]; }

BNNC_TEMPLATE int32_t vmaxvq_s32(int32x4_t a) {
    const int32x2_t v = vmax_s32(vget_low_s32(a), vget_high_s32(a));
    return vget_lane_s32(vpmax_s32(v, v), 0);
}

/* Upper halves. */
BNNC_TEMPLATE int16x8_t vmull_high_s8(int8x16_t a, int8x16_t b) {
    return vmull_s8(vget_high_s8(a), vget_high_s8(b));
}

BNNC_TEMPLATE int16x8_t vmlal_high_s8(int16x8_t sum, int8x16_t a, int8x16_t b) {
    return vmlal_s8(sum, vget_high_s8(a), vget_high_s8(b));
}

BNNC_TEMPLATE int64x2_t vmull_high_s32(int32x4_t a, int32x4_t b) {
    return vmull_s32(vget_high_s32(a), vget_high_s32(b));
}

BNNC_TEMPLATE int64x2_t vaddw_high_s32(int64x2_t a, int32x4_t b) {
    return vaddw_s32(a, vget_high_s32(b));
}

BNNC_TEMPLATE int32x4_t vaddw_high_s16(int32x4_t a, int16x8_t b) {
    return vaddw_s16(a, vget_high_s16(b));
}

BNNC_TEMPLATE uint16x8_t vaddw_high_u8(uint16x8_t a, uint8x16_t b) {
    return vaddw_u8(a, vget_high_u8(b));
}

BNNC_TEMPLATE uint32x4_t vaddw_high_u16(uint32x4_t a, uint16x8_t b) {
    return vaddw_u16(a, vget_high_u16(b));
}

#define vshll_high_n_u16(a, n) vshll_n_u16(vget_high_u16(a), n)

BNNC_TEMPLATE int16x8_t vmovl_high_s8(int8x16_t a) { return vmovl_s8(vget_high_s8(a)); }

BNNC_TEMPLATE int32x4_t vmovl_high_s16(int16x8_t a) { return vmovl_s16(vget_high_s16(a)); }

BNNC_TEMPLATE uint16x8_t vmovn_high_u32(uint16x4_t low, uint32x4_t high) {
    return vcombine_u16(low, vmovn_u32(high));
}

BNNC_TEMPLATE int32x4_t vqmovn_high_s64(int32x2_t low, int64x2_t high) {
    return vcombine_s32(low, vqmovn_s64(high));
}

BNNC_TEMPLATE int16x8_t vqmovn_high_s32(int16x4_t low, int32x4_t high) {
    return vcombine_s16(low, vqmovn_s32(high));
}

/* A table of 16 bytes; 0 for an index beyond it. */
BNNC_TEMPLATE uint8x16_t vqtbl1q_u8(uint8x16_t table, uint8x16_t at) {
    const uint8x8x2_t t = {{vget_low_u8(table), vget_high_u8(table)}};
    return vcombine_u8(vtbl2_u8(t, vget_low_u8(at)), vtbl2_u8(t, vget_high_u8(at)));
}

BNNC_TEMPLATE uint8x16_t vzip1q_u8(uint8x16_t a, uint8x16_t b) {
    const uint8x8x2_t v = vzip_u8(vget_low_u8(a), vget_low_u8(b));
    return vcombine_u8(v.val[0], v.val[1]);
}

/* Rounded to nearest, halves to even; bounds for what is beyond them, and 0 for a NaN. From 2^23 on
 * there are no fractions; below it, 2^23 added and taken away again leaves none. */
BNNC_TEMPLATE int32x4_t vcvtnq_s32_f32(float32x4_t v) {
    const float32x4_t whole = vdupq_n_f32(8388608.0f), size = vabsq_f32(v);
    const float32x4_t rounded = vsubq_f32(vaddq_f32(size, whole), whole);
    /* As integers: gcc would compare floats one after the other. */
    const uint32x4_t small = vcltq_u32(vreinterpretq_u32_f32(size), vreinterpretq_u32_f32(whole));
    const float32x4_t found = vbslq_f32(small, rounded, size);
    return vcvtq_s32_f32(vbslq_f32(vdupq_n_u32(0x80000000), v, found));
}

#endif
