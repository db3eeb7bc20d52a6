/* SPDX-License-Identifier: 0BSD */
/* Rows of floats to rows of bits. */
#ifndef BNNC_CUT_ROWS_H
#define BNNC_CUT_ROWS_H

#include "bnnc/common.h"
#include "bnnc/params.h"

/* Bits of `count` <= 8 floats; a NULL thr stands for zeros. */
BNNC_TEMPLATE uint8_t bnnc_cut_few(const float *x, const float *thr, int32_t count,
                                   int32_t nan_minus) {
    unsigned minus = 0;
    for (int32_t j = 0; j < count; ++j) {
        const float t = thr != NULL ? thr[j] : 0.0f;
        minus |= (unsigned)bnnc_below(x[j], t, nan_minus) << j;
    }
    return (uint8_t)minus;
}

/* Columns c and on of a row. Each byte is written after the floats it is made of, which lie at or
 * behind it, are read: y may be the buffer of x. */
BNNC_TEMPLATE void bnnc_cut_rest(const bnnc_rows *p, const float *x, const float *thr, int32_t c,
                                 uint8_t *y) {
    for (; c < p->c; c += 8) {
        const int32_t count = p->c - c < 8 ? p->c - c : 8;
        y[c / 8] = bnnc_cut_few(x + c, thr != NULL ? thr + c : NULL, count, p->nan_minus);
    }
}

#endif
