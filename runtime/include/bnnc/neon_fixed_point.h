/* SPDX-License-Identifier: 0BSD */
/* Integers times real numbers (see fixed_point.h), four at a time. */
#ifndef BNNC_NEON_FIXED_POINT_H
#define BNNC_NEON_FIXED_POINT_H

#include "bnnc/neon.h"

/* Rounded twice; no shift is to the left. High halves of doubled products round halves up, and so
 * do shifts to the right: of a negative number that is made smaller by one, halves go away from
 * zero. */
BNNC_TEMPLATE int32x4_t bnnc_round_twice(int32x4_t v, int32x4_t multiplier, int32x4_t shift) {
    const int32x4_t high = vqrdmulhq_s32(v, multiplier);
    const int32x4_t less = vshrq_n_s32(vandq_s32(high, shift), 31);
    return vrshlq_s32(vqaddq_s32(high, less), shift);
}

/* Rounded once, halves up. */
BNNC_TEMPLATE int32x4_t bnnc_round_once(int32x4_t v, int32x4_t multiplier, int32x4_t shift) {
    const int64x2_t right = vdupq_n_s64(-31);
    const int64x2_t low = vmull_s32(vget_low_s32(v), vget_low_s32(multiplier));
    const int64x2_t high = vmull_high_s32(v, multiplier);
    const int64x2_t a = vrshlq_s64(low, vaddw_s32(right, vget_low_s32(shift)));
    const int64x2_t b = vrshlq_s64(high, vaddw_high_s32(right, shift));
    return vqmovn_high_s64(vqmovn_s64(a), b);
}

/* Eight scaled numbers to bytes. Numbers beyond 16 bits are beyond all bounds. */
BNNC_TEMPLATE uint8x8_t bnnc_to_bytes(int32x4_t a, int32x4_t b, int16x8_t zero, int16x8_t lo,
                                      int16x8_t hi) {
    const int16x8_t moved = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(a), b), zero);
    return vreinterpret_u8_s8(vmovn_s16(vminq_s16(vmaxq_s16(moved, lo), hi)));
}

#endif
