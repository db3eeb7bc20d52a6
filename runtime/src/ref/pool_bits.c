/* SPDX-License-Identifier: 0BSD */
/* Max pooling of bits and levels, 8 channels at a time. */
#include "bnnc/kernels.h"
#include "bnnc/pool_loop.h"

/* Bit 1 is -1, so the maximum of a window is the conjunction of its bits.
 * flip (NULL: none) negates channels of the result; its tail is zero, like those of x. */
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

/* From the highest plane down, x beats the best where it has the first one that the best has not.
 */
BNNC_TEMPLATE void take_larger(const uint8_t *x, int32_t bits, ptrdiff_t x_plane, uint8_t *y,
                               ptrdiff_t y_plane) {
    unsigned better = 0, equal = 0xff;
    for (int32_t j = bits - 1; j >= 0; --j) {
        const unsigned a = y[j * y_plane], b = x[j * x_plane];
        better |= equal & b & ~a;
        equal &= ~(a ^ b);
    }
    for (int32_t j = 0; j < bits; ++j) {
        y[j * y_plane] = (uint8_t)((y[j * y_plane] & ~better) | (x[j * x_plane] & better));
    }
}

void BNNC_SYM(max_pool_levels)(const bnnc_pool2d *p, const uint8_t *x, uint8_t *y) {
    const int32_t bytes = bnnc_bit_bytes(p->c);
    const ptrdiff_t x_plane = (ptrdiff_t)p->n * p->ih * p->iw * bytes;
    const ptrdiff_t y_plane = (ptrdiff_t)p->n * p->oh * p->ow * bytes;
    for (int32_t j = 0; j < p->bits; ++j) {
        memset(y + j * y_plane, 0, (size_t)y_plane);
    }
    for (int32_t n = 0; n < p->n; ++n, x += (ptrdiff_t)p->ih * p->iw * bytes) {
        for (int32_t oy = 0; oy < p->oh; ++oy) {
            for (int32_t ox = 0; ox < p->ow; ++ox, y += bytes) {
                const bnnc_pool_window v = bnnc_pool_window_at(p, oy, ox);
                for (int32_t iy = v.y_lo; iy < v.y_hi; ++iy) {
                    for (int32_t ix = v.x_lo; ix < v.x_hi; ++ix) {
                        const uint8_t *from = x + ((ptrdiff_t)iy * p->iw + ix) * bytes;
                        for (int32_t k = 0; k < bytes; ++k) {
                            take_larger(from + k, p->bits, x_plane, y + k, y_plane);
                        }
                    }
                }
            }
        }
    }
}
