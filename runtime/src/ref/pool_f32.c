/* SPDX-License-Identifier: 0BSD */
/* Max and average pooling of floats, windows read in row-major order. */
#include "bnnc/kernels.h"
#include "bnnc/pool_loop.h"

/* max(a, b) = b > a ? b : a: a NaN stays when it comes first, and is passed over later. The result
 * is written either way, so that compilers make vectors of it. */
static void keep_larger(float *restrict y, const float *restrict x, int32_t count) {
    for (int32_t i = 0; i < count; ++i) {
        const float a = y[i], b = x[i];
        y[i] = b > a ? b : a;
    }
}

void BNNC_SYM(max_pool_f32)(const bnnc_pool2d *p, const float *x, float *y) {
    for (int32_t n = 0; n < p->n; ++n, x += (ptrdiff_t)p->ih * p->iw * p->c) {
        for (int32_t oy = 0; oy < p->oh; ++oy) {
            for (int32_t ox = 0; ox < p->ow; ++ox, y += p->c) {
                const bnnc_pool_window v = bnnc_pool_window_at(p, oy, ox);
                int first = 1;
                for (int32_t iy = v.y_lo; iy < v.y_hi; ++iy) {
                    for (int32_t ix = v.x_lo; ix < v.x_hi; ++ix) {
                        const float *from = x + ((ptrdiff_t)iy * p->iw + ix) * p->c;
                        if (first) {
                            memcpy(y, from, (size_t)p->c * sizeof *y);
                        } else {
                            keep_larger(y, from, p->c);
                        }
                        first = 0;
                    }
                }
            }
        }
    }
}

/* y = sum / count, the sum sequential from +0. */
void BNNC_SYM(avg_pool_f32)(const bnnc_pool2d *p, const float *x, float *y) {
    for (int32_t n = 0; n < p->n; ++n, x += (ptrdiff_t)p->ih * p->iw * p->c) {
        for (int32_t oy = 0; oy < p->oh; ++oy) {
            for (int32_t ox = 0; ox < p->ow; ++ox, y += p->c) {
                const bnnc_pool_window v = bnnc_pool_window_at(p, oy, ox);
                const int32_t inside = (v.y_hi - v.y_lo) * (v.x_hi - v.x_lo);
                const float count = (float)(p->include_pad ? p->kh * p->kw : inside);
                for (int32_t c = 0; c < p->c; ++c) {
                    y[c] = 0.0f;
                }
                for (int32_t iy = v.y_lo; iy < v.y_hi; ++iy) {
                    for (int32_t ix = v.x_lo; ix < v.x_hi; ++ix) {
                        const float *from = x + ((ptrdiff_t)iy * p->iw + ix) * p->c;
                        for (int32_t c = 0; c < p->c; ++c) {
                            y[c] = y[c] + from[c];
                        }
                    }
                }
                for (int32_t c = 0; c < p->c; ++c) {
                    y[c] = y[c] / count;
                }
            }
        }
    }
}
