/* SPDX-License-Identifier: 0BSD */
/* Max pooling of bits: bit 1 is -1, so the maximum of a window is the conjunction of its bits. */
#include "bnnc/kernels.h"
#include "bnnc/pool_loop.h"

/* flip (NULL: none) negates channels of the result; its tail is zero, like those of x. */
void BNNC_SYM(max_pool_bits)(const bnnc_pool2d *p, const uint8_t *x, const uint8_t *flip,
                             uint8_t *y) {
    const int32_t bytes = bnnc_bit_bytes(p->c);
    for (int32_t n = 0; n < p->n; ++n, x += (ptrdiff_t)p->ih * p->iw * bytes) {
        for (int32_t oy = 0; oy < p->oh; ++oy) {
            for (int32_t ox = 0; ox < p->ow; ++ox, y += bytes) {
                const bnnc_pool_window v = bnnc_pool_window_at(p, oy, ox);
                for (int32_t k = 0; k < bytes; ++k) {
                    unsigned minus = 0xff;
                    for (int32_t iy = v.y_lo; iy < v.y_hi; ++iy) {
                        for (int32_t ix = v.x_lo; ix < v.x_hi; ++ix) {
                            minus &= x[((ptrdiff_t)iy * p->iw + ix) * bytes + k];
                        }
                    }
                    y[k] = (uint8_t)(flip != NULL ? minus ^ flip[k] : minus);
                }
            }
        }
    }
}
