/* SPDX-License-Identifier: 0BSD */
/* Operations that find elements, or take them by their places. */
#include "bnnc/kernels.h"

BNNC_TEMPLATE void gather(const bnnc_gather *p, const void *x, const int32_t *indices, void *y,
                          ptrdiff_t size) {
    const ptrdiff_t bytes = size * p->inner;
    const uint8_t *from = (const uint8_t *)x;
    uint8_t *to = (uint8_t *)y;
    for (int32_t o = 0; o < p->outer; ++o, from += bytes * p->size) {
        for (int32_t i = 0; i < p->count; ++i, to += bytes) {
            memcpy(to, from + bytes * indices[i], (size_t)bytes);
        }
    }
}

void BNNC_SYM(gather_f32)(const bnnc_gather *p, const float *x, const int32_t *indices, float *y) {
    gather(p, x, indices, y, sizeof *x);
}

void BNNC_SYM(gather_i32)(const bnnc_gather *p, const int32_t *x, const int32_t *indices,
                          int32_t *y) {
    gather(p, x, indices, y, sizeof *x);
}

void BNNC_SYM(gather_u8)(const bnnc_gather *p, const uint8_t *x, const int32_t *indices,
                         uint8_t *y) {
    gather(p, x, indices, y, sizeof *x);
}

/* b > a, or with `last` b >= a, takes the place of a. */
void BNNC_SYM(arg_max_f32)(const bnnc_axis *p, const float *x, int32_t *y) {
    for (int32_t o = 0; o < p->outer; ++o, x += (ptrdiff_t)p->count * p->inner) {
        for (int32_t i = 0; i < p->inner; ++i) {
            int32_t place = 0;
            float best = x[i];
            for (int32_t k = 1; k < p->count; ++k) {
                const float other = x[(ptrdiff_t)k * p->inner + i];
                if (other > best || (p->last && other >= best)) {
                    best = other;
                    place = k;
                }
            }
            *y++ = place;
        }
    }
}

/* Whether x[a] stands before x[b]: the larger, NaN behind numbers, then the first. */
BNNC_TEMPLATE int before(const float *x, int32_t a, int32_t b) {
    const int a_nan = x[a] != x[a], b_nan = x[b] != x[b];
    if (a_nan != b_nan) {
        return b_nan;
    }
    return x[a] > x[b] || (!(x[a] < x[b]) && a < b);
}

/* Each place is the foremost of those behind the place before it. */
void BNNC_SYM(top_k_f32)(const bnnc_top_k *p, const float *x, int32_t *y) {
    for (int32_t r = 0; r < p->rows; ++r, x += p->c, y += p->k) {
        for (int32_t j = 0; j < p->k; ++j) {
            int32_t best = -1;
            for (int32_t i = 0; i < p->c; ++i) {
                const int left = j == 0 || before(x, y[j - 1], i);
                if (left && (best < 0 || before(x, i, best))) {
                    best = i;
                }
            }
            y[j] = best;
        }
    }
}

void BNNC_SYM(take_along_f32)(const bnnc_top_k *p, const float *x, const int32_t *indices,
                              float *y) {
    for (int32_t r = 0; r < p->rows; ++r, x += p->c) {
        for (int32_t j = 0; j < p->k; ++j) {
            const int32_t i = *indices++;
            *y++ = x[i < 0 ? 0 : i < p->c ? i : p->c - 1];
        }
    }
}
