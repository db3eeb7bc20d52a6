/* SPDX-License-Identifier: 0BSD */
/* Bits as bytes of their own, 16 at a time. */
#ifndef BNNC_NEON_BITS_H
#define BNNC_NEON_BITS_H

#include "bnnc/neon.h"

/* In each half, the bit that a byte stands for. */
BNNC_TEMPLATE uint8x16_t bnnc_bit_of_byte(void) {
    static const uint8_t bits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    return vld1q_u8(bits);
}

/* Two bytes, a bit from each byte of v, which is all ones or zero. */
BNNC_TEMPLATE void bnnc_store_bits(uint8_t *y, uint8x16_t v) {
    v = vandq_u8(v, bnnc_bit_of_byte());
    v = vpaddq_u8(v, v);
    v = vpaddq_u8(v, v);
    v = vpaddq_u8(v, v);
    vst1q_lane_u16((void *)y, vreinterpretq_u16_u8(v), 0);
}

/* All ones where a bit of two bytes is 1. */
BNNC_TEMPLATE uint8x16_t bnnc_load_bits(const uint8_t *x) {
    return vtstq_u8(vcombine_u8(vdup_n_u8(x[0]), vdup_n_u8(x[1])), bnnc_bit_of_byte());
}

#endif
