/* SPDX-License-Identifier: 0BSD */
/* Tiles of bit weights, made tiles of bytes: worth it where many windows meet them. */
#ifndef BNNC_NEON_SIGN_TILES_H
#define BNNC_NEON_SIGN_TILES_H

#include "bnnc/neon.h"

#define BNNC_SIGN_ROW 2304                 /* numbers of a window at most */
#define BNNC_SIGN_TILE (8 * BNNC_SIGN_ROW) /* bytes of eight channels */

/* bytes: a multiple of 16. Bit l of byte k is weight 8 k + l of the tile; 1 means -1. */
BNNC_NOINLINE void bnnc_expand_signs(int8_t *to, const uint8_t *from, ptrdiff_t bytes) {
    static const uint8_t halves[16] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
    static const uint8_t bits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bit = vld1q_u8(bits), one = vdupq_n_u8(1), two = vdupq_n_u8(2);
    for (; bytes > 0; bytes -= 16, from += 16, to += 128) {
        const uint8x16_t v = vld1q_u8(from);
        uint8x16_t at = vld1q_u8(halves);
        for (int k = 0; k < 8; ++k, at = vaddq_u8(at, two)) {
            const uint8x16_t minus = vtstq_u8(vqtbl1q_u8(v, at), bit);
            vst1q_s8(to + 16 * k, vreinterpretq_s8_u8(vorrq_u8(minus, one)));
        }
    }
}

#endif
