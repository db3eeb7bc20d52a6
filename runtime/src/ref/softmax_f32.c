/* SPDX-License-Identifier: 0BSD */
/* Softmax over the last axis; y may be the buffer of x. */
#include "bnnc/kernels.h"
#include "bnnc/math.h"

/* m = max, e_i = exp(fl(x_i - m)), y_i = e_i / sum(e); max and sum are sequential. */
void BNNC_SYM(softmax_f32)(const bnnc_rows *p, const float *x, float *y) {
    for (int32_t r = 0; r < p->rows; ++r, x += p->c, y += p->c) {
        float m = x[0], sum = 0.0f;
        for (int32_t c = 1; c < p->c; ++c) {
            m = x[c] > m ? x[c] : m;
        }
        for (int32_t c = 0; c < p->c; ++c) {
            y[c] = bnnc_exp(x[c] - m);
            sum = sum + y[c];
        }
        for (int32_t c = 0; c < p->c; ++c) {
            y[c] = y[c] / sum;
        }
    }
}
