/* SPDX-License-Identifier: 0BSD */
/* Between floats and bits, and bits to bits. */
#include "bnnc/cut_rows.h"
#include "bnnc/kernels.h"

BNNC_TEMPLATE void cut_rows(const bnnc_rows *p, const float *x, const float *thr, uint8_t *y) {
    for (int32_t r = 0; r < p->rows; ++r, x += p->c, y += bnnc_bit_bytes(p->c)) {
        bnnc_cut_rest(p, x, thr, 0, y);
    }
}

void BNNC_SYM(pack_bits)(const bnnc_rows *p, const float *x, uint8_t *y) {
    cut_rows(p, x, NULL, y);
}

void BNNC_SYM(threshold_f32)(const bnnc_rows *p, const float *x, const float *thr, uint8_t *y) {
    cut_rows(p, x, thr, y);
}

void BNNC_SYM(unpack_bits)(const bnnc_rows *p, const uint8_t *x, float *y) {
    for (int32_t r = 0; r < p->rows; ++r, x += bnnc_bit_bytes(p->c)) {
        for (int32_t c = 0; c < p->c; ++c) {
            *y++ = x[c / 8] >> (c % 8) & 1 ? -1.0f : 1.0f;
        }
    }
}

/* The same bits in the same order, with the unused bits at other places. */
void BNNC_SYM(bits_reshape)(const bnnc_reshape_bits *p, const uint8_t *x, uint8_t *y) {
    int32_t from = 0;
    for (int32_t r = 0; r < p->rows_out; ++r) {
        for (int32_t c = 0; c < p->c_out; c += 8) {
            const int32_t count = p->c_out - c < 8 ? p->c_out - c : 8;
            unsigned byte = 0;
            for (int32_t j = 0; j < count; ++j) {
                byte |= ((unsigned)x[from / 8] >> (from % 8) & 1) << j;
                if (++from == p->c_in) {
                    x += bnnc_bit_bytes(p->c_in);
                    from = 0;
                }
            }
            *y++ = (uint8_t)byte;
        }
    }
}

void BNNC_SYM(bits_flip)(const bnnc_rows *p, const uint8_t *x, const uint8_t *flip, uint8_t *y) {
    const int32_t bytes = bnnc_bit_bytes(p->c);
    for (int32_t r = 0; r < p->rows; ++r) {
        for (int32_t k = 0; k < bytes; ++k) {
            *y++ = (uint8_t)(*x++ ^ flip[k]);
        }
    }
}
