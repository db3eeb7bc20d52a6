/* SPDX-License-Identifier: 0BSD */
/* Scale and offset per channel. */
#include "bnnc/float_rows.h"
#include "bnnc/kernels.h"

/* y = fl(fl(x * scale[c]) + offset[c]); y may be the buffer of x. */
BNNC_TEMPLATE void scale_row(const float *x, const float *scale, const float *offset, ptrdiff_t n,
                             float *y) {
    ptrdiff_t i = 0;
    for (; i + BNNC_FLOATS <= n; i += BNNC_FLOATS) {
        bnnc_floats v, s, o;
        memcpy(v, x + i, sizeof v);
        memcpy(s, scale + i, sizeof s);
        memcpy(o, offset + i, sizeof o);
        BNNC_LANE_LOOP
        for (int l = 0; l < BNNC_FLOATS; ++l) {
            const float scaled = v[l] * s[l];
            v[l] = scaled + o[l];
        }
        memcpy(y + i, v, sizeof v);
    }
    for (; i < n; ++i) {
        const float scaled = x[i] * scale[i];
        y[i] = scaled + offset[i];
    }
}

void BNNC_SYM(affine_f32)(const bnnc_rows *p, const float *x, const float *scale,
                          const float *offset, float *y) {
    float scales[BNNC_REPEATED], offsets[BNNC_REPEATED];
    const ptrdiff_t all = (ptrdiff_t)p->rows * p->c;
    const ptrdiff_t row = bnnc_repeat(&scale, p->c, scales);
    bnnc_repeat(&offset, p->c, offsets);
    for (ptrdiff_t i = 0; i < all; i += row) {
        scale_row(x + i, scale, offset, all - i < row ? all - i : row, y + i);
    }
}
