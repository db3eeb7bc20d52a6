/* SPDX-License-Identifier: 0BSD */
/* Between plain bytes and planes of levels or bits; 64-bit ARM. */
#include "bnnc/kernels.h"
#include "bnnc/levels.h"
#include "bnnc/neon_bits.h"

BNNC_TEMPLATE ptrdiff_t plane_bytes(const bnnc_levels *p) {
    return (ptrdiff_t)p->rows * bnnc_bit_bytes(p->c);
}

/* Plane j of p->bits is bit first + j of each byte. */
BNNC_TEMPLATE void split(const bnnc_levels *p, const uint8_t *x, uint8_t *y, int32_t first) {
    for (int32_t r = 0; r < p->rows; ++r, x += p->c, y += bnnc_bit_bytes(p->c)) {
        int32_t c = 0;
        for (; c + 16 <= p->c; c += 16) {
            const uint8x16_t v = vld1q_u8(x + c);
            for (int32_t j = 0; j < p->bits; ++j) {
                const uint8x16_t bit = vdupq_n_u8((uint8_t)(1 << (first + j)));
                bnnc_store_bits(y + j * plane_bytes(p) + c / 8, vtstq_u8(v, bit));
            }
        }
        for (; c < p->c; c += 8) {
            const int32_t count = p->c - c < 8 ? p->c - c : 8;
            unsigned level[8] = {0};
            for (int32_t l = 0; l < count; ++l) {
                level[l] = (unsigned)x[c + l] >> first;
            }
            bnnc_store_levels(level, p->bits, plane_bytes(p), y + c / 8);
        }
    }
}

void BNNC_SYM(bytes_to_levels_neon)(const bnnc_levels *p, const uint8_t *x, uint8_t *y) {
    split(p, x, y, 0);
}

/* A byte -1 has its highest bit set. */
void BNNC_SYM(bytes_to_bits_neon)(const bnnc_levels *p, const uint8_t *x, uint8_t *y) {
    split(p, x, y, 7);
}

void BNNC_SYM(levels_to_bytes_neon)(const bnnc_levels *p, const uint8_t *x, uint8_t *y) {
    for (int32_t r = 0; r < p->rows; ++r, x += bnnc_bit_bytes(p->c), y += p->c) {
        int32_t c = 0;
        for (; c + 16 <= p->c; c += 16) {
            uint8x16_t v = vdupq_n_u8(0);
            for (int32_t j = 0; j < p->bits; ++j) {
                const uint8x16_t bit = vdupq_n_u8((uint8_t)(1 << j));
                const uint8x16_t ones = bnnc_load_bits(x + j * plane_bytes(p) + c / 8);
                v = vorrq_u8(v, vandq_u8(ones, bit));
            }
            vst1q_u8(y + c, v);
        }
        for (; c < p->c; ++c) {
            y[c] = (uint8_t)bnnc_load_level(x, p->bits, plane_bytes(p), c);
        }
    }
}

void BNNC_SYM(bits_to_bytes_neon)(const bnnc_levels *p, const uint8_t *x, uint8_t *y) {
    for (int32_t r = 0; r < p->rows; ++r, x += bnnc_bit_bytes(p->c), y += p->c) {
        int32_t c = 0;
        for (; c + 16 <= p->c; c += 16) {
            vst1q_u8(y + c, vorrq_u8(bnnc_load_bits(x + c / 8), vdupq_n_u8(1)));
        }
        for (; c < p->c; ++c) {
            y[c] = bnnc_load_level(x, 1, 0, c) ? 0xff : 1;
        }
    }
}
