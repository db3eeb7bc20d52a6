/* SPDX-License-Identifier: 0BSD */
/* Scale and offset per channel. */
#include "bnnc/kernels.h"

/* y = fl(fl(x * scale[c]) + offset[c]); y may be the buffer of x. */
void BNNC_SYM(affine_f32)(const bnnc_rows *p, const float *x, const float *scale,
                          const float *offset, float *y) {
    for (int32_t r = 0; r < p->rows; ++r, x += p->c, y += p->c) {
        for (int32_t c = 0; c < p->c; ++c) {
            const float scaled = x[c] * scale[c];
            y[c] = scaled + offset[c];
        }
    }
}
