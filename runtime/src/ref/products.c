/* SPDX-License-Identifier: 0BSD */
/* Products of matrices, and of the elements of an axis. */
#include "bnnc/kernels.h"

/* y[m, n] = a[m, k] . b[k, n] for each of a stack, the sum over k sequential from +0. */
void BNNC_SYM(mat_mul_f32)(const bnnc_mat_mul *p, const float *a, const float *b, float *y) {
    for (int32_t s = 0; s < p->stack; ++s, a += p->stride_a, b += p->stride_b) {
        for (int32_t r = 0; r < p->m; ++r, y += p->n) {
            for (int32_t c = 0; c < p->n; ++c) {
                y[c] = 0.0f;
            }
            for (int32_t i = 0; i < p->k; ++i) {
                const float x = a[(ptrdiff_t)r * p->k + i];
                const float *row = b + (ptrdiff_t)i * p->n;
                for (int32_t c = 0; c < p->n; ++c) {
                    y[c] = y[c] + x * row[c];
                }
            }
        }
    }
}

void BNNC_SYM(product_f32)(const bnnc_axis *p, const float *x, float *y) {
    for (int32_t o = 0; o < p->outer; ++o, x += (ptrdiff_t)p->count * p->inner) {
        for (int32_t i = 0; i < p->inner; ++i) {
            float product = 1.0f;
            for (int32_t k = 0; k < p->count; ++k) {
                product = product * x[(ptrdiff_t)k * p->inner + i];
            }
            *y++ = product;
        }
    }
}
