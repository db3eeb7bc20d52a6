/* SPDX-License-Identifier: 0BSD */
/* Convolutions of each channel of quantized bytes by itself; 64-bit ARM.
 *
 * Weights: the sum of each channel's weights, int32_t, zeros up to a multiple of sixteen channels;
 * then [kh * kw][channels]. None is -128: two products of bytes fit into 16 bits then.
 *
 * Sixteen channels of a pixel are taken at once from where they lie. Where a window reaches out of
 * the input, or where there are fewer channels, they are copied first: outside of the input is the
 * zero point, so that all windows lack the same, zero times the sum of the weights. */
#include "bnnc/kernels.h"
#include "bnnc/neon_byte_ends.h"

#define CHANNELS 16
#define TAPS 64
#define PIXELS 16 /* whose sums are used together */

typedef struct {
    const bnnc_conv2d *p;
    const bnnc_byte_end *end;
    const uint8_t *sums;
    const int8_t *w;
    ptrdiff_t w_tap;        /* bytes of the weights of a tap */
    ptrdiff_t offset[TAPS]; /* of taps of a window that lies in the input */
    ptrdiff_t copied[TAPS]; /* of taps of a copied one */
    uint8_t turn;
    int32_t taps, zero;
} layer;

typedef struct {
    int16x8_t low, high;
} products;

BNNC_TEMPLATE int8x16_t turned(const uint8_t *x, uint8x16_t turn) {
    return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(x), turn));
}

BNNC_TEMPLATE products multiply(int8x16_t x, int8x16_t w) {
    const products p = {vmull_s8(vget_low_s8(x), vget_low_s8(w)), vmull_high_s8(x, w)};
    return p;
}

BNNC_TEMPLATE products multiply_too(products p, int8x16_t x, int8x16_t w) {
    const products q = {vmlal_s8(p.low, vget_low_s8(x), vget_low_s8(w)),
                        vmlal_high_s8(p.high, x, w)};
    return q;
}

/* Sixteen channels of a pixel. */
BNNC_TEMPLATE void sum_taps(const layer *all, const uint8_t *x, const ptrdiff_t *offset,
                            const int8_t *w, int32_t *first, int32_t *second) {
    const uint8x16_t turn = vdupq_n_u8(all->turn);
    int32x4_t a = vdupq_n_s32(0), b = a, c = a, d = a;
    int32_t taps = all->taps;
    for (; taps > 0; taps -= 2, offset += 2, w += 2 * all->w_tap) {
        products p = multiply(turned(x + offset[0], turn), vld1q_s8(w));
        if (taps > 1) {
            p = multiply_too(p, turned(x + offset[1], turn), vld1q_s8(w + all->w_tap));
        }
        a = vaddw_s16(a, vget_low_s16(p.low));
        b = vaddw_high_s16(b, p.low);
        c = vaddw_s16(c, vget_low_s16(p.high));
        d = vaddw_high_s16(d, p.high);
    }
    vst1q_s32(first, a);
    vst1q_s32(first + 4, b);
    vst1q_s32(second, c);
    vst1q_s32(second + 4, d);
}

/* Channels c .. c + count - 1 of a window. */
BNNC_TEMPLATE void copy_taps(const layer *all, const uint8_t *image, const bnnc_window *v,
                             int32_t c, int32_t count, uint8_t *to) {
    const bnnc_conv2d *p = all->p;
    const uint8x16_t pad = vdupq_n_u8((uint8_t)p->x_zero);
    for (int32_t i = 0; i < p->kh; ++i) {
        const int outside = i < v->kh_lo || i >= v->kh_hi;
        const int32_t lo = outside ? p->kw : v->kw_lo, hi = outside ? p->kw : v->kw_hi;
        const ptrdiff_t pixel = (ptrdiff_t)(v->y0 + i * p->dilation_h) * p->iw + v->x0;
        int32_t j = 0;
        for (; j < lo; ++j, to += CHANNELS) {
            vst1q_u8(to, pad);
        }
        for (; j < hi; ++j, to += CHANNELS) {
            const uint8_t *from = image + (pixel + j * p->dilation_w) * p->ic + c;
            if (count == CHANNELS) {
                vst1q_u8(to, vld1q_u8(from));
            } else {
                vst1q_u8(to, pad);
                memcpy(to, from, (size_t)count);
            }
        }
        for (; j < p->kw; ++j, to += CHANNELS) {
            vst1q_u8(to, pad);
        }
    }
}

BNNC_TEMPLATE void set_tile(bnnc_byte_tile *t, const layer *all, int32_t oc, int32_t count,
                            bnnc_set_factors set) {
    t->p = all->p;
    t->end = all->end;
    t->oc = oc;
    t->count = count < BNNC_LANES ? count : BNNC_LANES;
    bnnc_set_bias(t, all->sums, all->zero);
    set(t);
}

/* Some rows of the result. */
typedef struct {
    const uint8_t *image;
    ptrdiff_t pixel; /* where the first begins */
    int32_t oy, oy_end;
} rows;

/* Channels c .. c + count - 1. */
BNNC_TEMPLATE void convolve_rows(const layer *all, const rows *r, int32_t c, int32_t count,
                                 bnnc_set_factors set, bnnc_finish_tile finish) {
    const bnnc_conv2d *p = all->p;
    const int32_t wide = (p->kw - 1) * p->dilation_w, high = (p->kh - 1) * p->dilation_h;
    const int32_t pixels = (r->oy_end - r->oy) * p->ow;
    uint8_t room[TAPS * CHANNELS];
    int32_t first[PIXELS * BNNC_LANES], second[PIXELS * BNNC_LANES];
    int32_t oy = r->oy, ox = 0;
    bnnc_byte_tile t, u;
    set_tile(&t, all, c, count, set);
    u = t;
    if (count > BNNC_LANES) {
        set_tile(&u, all, c + BNNC_LANES, count - BNNC_LANES, set);
    }
    for (int32_t from = 0, some; from < pixels; from += some) {
        some = pixels - from < PIXELS ? pixels - from : PIXELS;
        for (int32_t q = 0; q < some; ++q) {
            const int32_t y0 = oy * p->stride_h - p->pad_top, x0 = ox * p->stride_w - p->pad_left;
            const int inside = y0 >= 0 && y0 + high < p->ih && x0 >= 0 && x0 + wide < p->iw;
            const uint8_t *x = room;
            const ptrdiff_t *offset = all->copied;
            if (inside && count == CHANNELS) {
                x = r->image + ((ptrdiff_t)y0 * p->iw + x0) * p->ic + c;
                offset = all->offset;
            } else {
                const bnnc_window v = bnnc_window_at(p, oy, ox);
                copy_taps(all, r->image, &v, c, count, room);
            }
            sum_taps(all, x, offset, all->w + c, first + q * BNNC_LANES, second + q * BNNC_LANES);
            if (++ox == p->ow) {
                ox = 0;
                ++oy;
            }
        }
        finish(&t, r->pixel + from, some, first);
        if (count > BNNC_LANES) {
            finish(&u, r->pixel + from, some, second);
        }
    }
}

BNNC_TEMPLATE void convolve(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                            const bnnc_byte_end *end, bnnc_set_factors set,
                            bnnc_finish_tile finish) {
    /* All channels meet so many rows, which stay in the nearest memory, before the next ones. */
    const ptrdiff_t row = (ptrdiff_t)p->iw * p->ic * p->stride_h;
    const int32_t near = row < 16384 ? (int32_t)(16384 / row) : 1;
    layer all;
    all.p = p;
    all.end = end;
    all.sums = w;
    all.w_tap = (p->oc + CHANNELS - 1) / CHANNELS * CHANNELS;
    all.w = (const int8_t *)w + 4 * all.w_tap;
    all.taps = p->kh * p->kw;
    all.turn = p->x_unsigned ? 0x80 : 0;
    all.zero = p->x_zero - (p->x_unsigned ? 128 : 0);
    for (int32_t t = 0; t < all.taps; ++t) {
        const int32_t i = t / p->kw, j = t % p->kw;
        all.offset[t] = ((ptrdiff_t)i * p->dilation_h * p->iw + j * p->dilation_w) * p->ic;
        all.copied[t] = t * CHANNELS;
    }
    for (int32_t n = 0; n < p->n; ++n, x += (ptrdiff_t)p->ih * p->iw * p->ic) {
        rows r = {x, (ptrdiff_t)n * p->oh * p->ow, 0, 0};
        for (; r.oy < p->oh; r.oy = r.oy_end) {
            r.oy_end = p->oh - r.oy < near ? p->oh : r.oy + near;
            for (int32_t c = 0; c < p->oc; c += CHANNELS) {
                const int32_t left = p->oc - c;
                convolve_rows(&all, &r, c, left < CHANNELS ? left : CHANNELS, set, finish);
            }
            r.pixel += (ptrdiff_t)(r.oy_end - r.oy) * p->ow;
        }
    }
}

void BNNC_SYM(depthwise_ii_neon_q8)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                    const int32_t *bias, const int32_t *multiplier,
                                    const int32_t *shift, uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, shift, NULL, y};
    convolve(p, x, w, &end, bnnc_set_fixed, bnnc_finish_fixed);
}

void BNNC_SYM(depthwise_ii_neon_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, const float *multiplier, uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, NULL, NULL, y};
    convolve(p, x, w, &end, bnnc_set_float, bnnc_finish_float);
}

void BNNC_SYM(depthwise_ii_neon_i32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, int32_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, NULL, y};
    convolve(p, x, w, &end, bnnc_set_nothing, bnnc_finish_sums);
}

void BNNC_SYM(depthwise_ii_neon_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, &end, bnnc_set_cut, bnnc_finish_cut);
}

void BNNC_SYM(depthwise_ii_neon_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, &end, bnnc_set_nothing, bnnc_finish_counted);
}

void BNNC_SYM(depthwise_ii_neon_dynamic_f32)(const bnnc_conv2d *p, const uint8_t *x,
                                             const float *levels, const uint8_t *w,
                                             const float *w_scale, const float *bias, float *y) {
    const bnnc_byte_end end = {NULL, NULL, NULL, NULL, y};
    const bnnc_conv2d own = bnnc_with_zero(p, levels);
    convolve(&own, x, w, &end, bnnc_set_nothing, bnnc_finish_sums);
    bnnc_real_sums(p, levels, w_scale, bias, y);
}
