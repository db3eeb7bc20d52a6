/* SPDX-License-Identifier: 0BSD */
/* Convolutions of each channel of bits by itself, with bit weights.
 *
 * Weights: [(channels + 7) / 8][kh * kw] bytes, bit l of which is that of channel 8 t + l.
 *
 * Up to 128 channels of a pixel are a vector of bits. Where they differ from the weights of a tap
 * is one vector more; it is counted in planes, of which bit j of every channel's count is the j-th.
 * S = N - 2 D for D differences in a window of N taps inside the input (all, where padding is +1 or
 * -1), so that S < t where D >= floor((N - t) / 2) + 1: limits lie in planes as well. */
#include "bnnc/kernels.h"
#include "bnnc/neon_sums.h"

#define BYTES 16
#define TAPS 64
#define PLANES 7 /* counts up to 64, and 65, which no count reaches */

typedef struct {
    uint8_t planes[PLANES][BYTES];
    int32_t products; /* for which they are; -1: for none */
} limits;

/* Channels 8 * first .. 8 * (first + bytes) - 1. */
typedef struct {
    const bnnc_conv2d *p;
    const bnnc_end *end;
    const uint8_t *x;
    ptrdiff_t pixel; /* bytes from one to the next */
    int32_t first, bytes, count;
    uint8_t w[TAPS][BYTES];
    limits limit[TAPS + 1];
} channels;

typedef struct {
    uint8x16_t plane[PLANES];
} counts;

typedef void (*use_counts)(channels *s, ptrdiff_t at, counts n, int32_t products, int32_t planes);

BNNC_TEMPLATE uint8x16_t load(const uint8_t *from, int32_t bytes) {
    uint8_t some[BYTES] = {0};
    if (bytes == BYTES) {
        return vld1q_u8(from);
    }
    memcpy(some, from, (size_t)bytes);
    return vld1q_u8(some);
}

BNNC_TEMPLATE void store(uint8_t *to, uint8x16_t v, int32_t bytes) {
    uint8_t some[BYTES];
    if (bytes == BYTES) {
        vst1q_u8(to, v);
        return;
    }
    vst1q_u8(some, v);
    memcpy(to, some, (size_t)bytes);
}

/* Adds ones to counts, a carry after the other; planes is a constant. */
BNNC_TEMPLATE void add_ones(counts *n, uint8x16_t ones, int32_t planes) {
    for (int32_t j = 0; j < planes; ++j) {
        const uint8x16_t carry = vandq_u8(n->plane[j], ones);
        n->plane[j] = veorq_u8(n->plane[j], ones);
        ones = carry;
    }
}

/* Differences in the window of an output pixel; returns how many products they are of. */
BNNC_TEMPLATE int32_t count_window(const channels *s, const uint8_t *image, const bnnc_window *v,
                                   int32_t planes, counts *n) {
    const bnnc_conv2d *p = s->p;
    const uint8x16_t pad = vdupq_n_u8(p->pad_value < 0 ? 0xff : 0);
    const uint8_t (*w)[BYTES] = s->w;
    int32_t products = 0;
    for (int32_t j = 0; j < PLANES; ++j) {
        n->plane[j] = vdupq_n_u8(0);
    }
    for (int32_t i = 0; i < p->kh; ++i) {
        const ptrdiff_t row = (ptrdiff_t)(v->y0 + i * p->dilation_h) * p->iw + v->x0;
        for (int32_t j = 0; j < p->kw; ++j, ++w) {
            if (bnnc_tap_inside(v, i, j)) {
                const uint8_t *x = image + (row + j * p->dilation_w) * s->pixel;
                add_ones(n, veorq_u8(load(x, s->bytes), vld1q_u8(*w)), planes);
            } else if (p->pad_value != 0) {
                add_ones(n, veorq_u8(pad, vld1q_u8(*w)), planes);
            } else {
                continue;
            }
            ++products;
        }
    }
    return products;
}

/* Limits for so many products, in planes. Thresholds beyond all sums, which are -N to N, are moved
 * next to them; channels that are not there must not be below. */
BNNC_NOINLINE void set_limits(const channels *s, limits *l, int32_t products) {
    const int32_t *thr = (const int32_t *)s->end->thr + (ptrdiff_t)8 * s->first;
    memset(l, 0, sizeof *l);
    l->products = products;
    for (int32_t c = 0; c < 8 * s->bytes; ++c) {
        int32_t limit = products + 1;
        if (c < s->count) {
            const int32_t t = thr[c] < -products ? -products : thr[c];
            limit = t > products ? 0 : (products - t + 2) / 2;
        }
        for (int32_t j = 0; j < PLANES; ++j) {
            l->planes[j][c / 8] |= (uint8_t)((limit >> j & 1) << c % 8);
        }
    }
}

/* From the lowest plane on: where count and limit differ the count decides, until a higher one
 * does. */
BNNC_TEMPLATE void cut(channels *s, ptrdiff_t at, counts n, int32_t products, int32_t planes) {
    limits *l = &s->limit[products];
    uint8x16_t below = vdupq_n_u8(0xff);
    if (l->products != products) {
        set_limits(s, l, products);
    }
    for (int32_t j = 0; j < planes; ++j) {
        const uint8x16_t differ = veorq_u8(n.plane[j], vld1q_u8(l->planes[j]));
        below = vbslq_u8(differ, n.plane[j], below);
    }
    store((uint8_t *)s->end->y + at * s->pixel + s->first, below, s->bytes);
}

/* Sums of the channels of a byte, given where it is 1 in each plane. */
BNNC_TEMPLATE bnnc_sums8 sums_of(uint8_t (*bytes)[BYTES], int32_t byte, int32_t products,
                                 int32_t planes) {
    static const uint16_t channel[BNNC_LANES] = {1, 2, 4, 8, 16, 32, 64, 128};
    uint16x8_t differ = vdupq_n_u16(0);
    for (int32_t j = 0; j < planes; ++j) {
        const uint16x8_t ones = vtstq_u16(vdupq_n_u16(bytes[j][byte]), vld1q_u16(channel));
        differ = vorrq_u16(differ, vandq_u16(ones, vdupq_n_u16((uint16_t)(1 << j))));
    }
    return bnnc_sums_of(products, differ);
}

/* floats: scaled, or else levels. */
BNNC_TEMPLATE void use_sums(const channels *s, ptrdiff_t at, const counts *n, int32_t products,
                            int32_t planes, int floats) {
    uint8_t bytes[PLANES][BYTES];
    for (int32_t j = 0; j < planes; ++j) {
        vst1q_u8(bytes[j], n->plane[j]);
    }
    for (int32_t i = 0; i < s->bytes; ++i) {
        const int32_t left = s->count - 8 * i, oc = 8 * (s->first + i);
        const int32_t count = left < BNNC_LANES ? left : BNNC_LANES;
        const bnnc_channels8 c = {s->p, s->end, NULL, oc, count};
        const bnnc_sums8 sums = sums_of(bytes, i, products, planes);
        if (floats) {
            bnnc_scale_sums(&c, at, sums);
        } else {
            bnnc_finish_sums(&c, at, sums, bnnc_finish_levels);
        }
    }
}

BNNC_TEMPLATE void scale(channels *s, ptrdiff_t at, counts n, int32_t products, int32_t planes) {
    use_sums(s, at, &n, products, planes, 1);
}

BNNC_TEMPLATE void count(channels *s, ptrdiff_t at, counts n, int32_t products, int32_t planes) {
    use_sums(s, at, &n, products, planes, 0);
}

/* All pixels of some channels; planes is a constant. */
BNNC_TEMPLATE void each_pixel(channels *s, int32_t planes, use_counts use) {
    const bnnc_conv2d *p = s->p;
    const uint8_t *image = s->x;
    ptrdiff_t at = 0;
    counts n;
    for (int32_t k = 0; k < p->n; ++k, image += (ptrdiff_t)p->ih * p->iw * s->pixel) {
        for (int32_t oy = 0; oy < p->oh; ++oy) {
            for (int32_t ox = 0; ox < p->ow; ++ox, ++at) {
                const bnnc_window v = bnnc_window_at(p, oy, ox);
                const int32_t products = count_window(s, image, &v, planes, &n);
                use(s, at, n, products, planes);
            }
        }
    }
}

/* Four planes hold counts up to 14 and what no count reaches. */
BNNC_TEMPLATE void convolve(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                            const bnnc_end *end, use_counts use) {
    const int32_t taps = p->kh * p->kw, all = bnnc_bit_bytes(p->oc);
    channels s;
    s.p = p;
    s.end = end;
    s.pixel = all;
    for (s.first = 0; s.first < all; s.first += BYTES) {
        const int32_t rest = p->oc - 8 * s.first;
        s.x = x + s.first;
        s.bytes = all - s.first < BYTES ? all - s.first : BYTES;
        s.count = rest < 8 * BYTES ? rest : 8 * BYTES;
        for (int32_t t = 0; t <= taps; ++t) {
            s.limit[t].products = -1;
        }
        for (int32_t t = 0; t < taps; ++t) {
            for (int32_t i = 0; i < BYTES; ++i) {
                s.w[t][i] = i < s.bytes ? w[(ptrdiff_t)(s.first + i) * taps + t] : 0;
            }
        }
        if (taps <= 14) {
            each_pixel(&s, 4, use);
        } else {
            each_pixel(&s, PLANES, use);
        }
    }
}

void BNNC_SYM(depthwise_bb_neon_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const float *alpha, const float *bias, float *y) {
    const bnnc_end end = {NULL, alpha, bias, y};
    convolve(p, x, w, &end, scale);
}

void BNNC_SYM(depthwise_bb_neon_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    convolve(p, x, w, &end, cut);
}

void BNNC_SYM(depthwise_bb_neon_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    convolve(p, x, w, &end, count);
}
