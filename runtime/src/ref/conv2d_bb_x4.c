/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers: bit activations, bit weights, groups == 1; four channels at a time.
 *
 * Eight channels, a byte of a bit result, go over all output pixels before the next eight do, so
 * that their weights stay in the nearest memory. With D differences among the products of the taps
 * inside the input, S = base - 2 D; base is the number of these products and what the padded taps
 * add. */
#include "bnnc/conv_bits.h"
#include "bnnc/conv_fours.h"
#include "bnnc/kernels.h"

/* Eight output channels; the last block has fewer. */
typedef struct {
    const bnnc_conv2d *p;
    const bnnc_end *end;
    int32_t oc, count;
    int32_t products; /* of a channel, of the taps inside the input */
    int32_t base[BNNC_LANES];
    uint32_t start[BNNC_LANES]; /* counts begin here */
} block;

/* Every pixel of a segment, the first of which is given; pixels are numbered through all samples.
 */
typedef void (*run)(const bnnc_segment *s, const block *b, ptrdiff_t pixel);

BNNC_TEMPLATE void count_eight(const bnnc_segment *s, const block *b, const uint8_t *x,
                               bnnc_channels at, bnnc_count count, uint32_t *counts) {
    bnnc_four f = {b->start[0], b->start[1], b->start[2], b->start[3]};
    bnnc_four g = {b->start[4], b->start[5], b->start[6], b->start[7]};
    const uint8_t *low = s->w, *high = s->w + 4 * s->w_channel;
    BNNC_KEEP(low);
    f = count(f, s, x, low, at);
    BNNC_KEEP(high);
    g = count(g, s, x, high, at);
    counts[0] = f.a, counts[1] = f.b, counts[2] = f.c, counts[3] = f.d;
    counts[4] = g.a, counts[5] = g.b, counts[6] = g.c, counts[7] = g.d;
}

/* Any window, any number of channels: fours, then each channel of the rest four times. */
BNNC_NOINLINE void count_few(const bnnc_segment *s, const block *b, const uint8_t *x,
                             uint32_t *counts) {
    const uint8_t *w = s->w;
    for (int32_t l = 0; l < BNNC_LANES; ++l) {
        counts[l] = b->start[l];
    }
    for (int32_t l = 0, lanes; l < b->count; l += lanes, w += lanes * s->w_channel) {
        bnnc_four f = {0, 0, 0, 0};
        lanes = l + 4 <= b->count ? 4 : 1;
        f = bnnc_count_any(f, s, x, w, bnnc_channels_at(lanes == 4 ? s->w_channel : 0));
        counts[l] += f.a;
        if (lanes == 4) {
            counts[l + 1] += f.b;
            counts[l + 2] += f.c;
            counts[l + 3] += f.d;
        }
    }
}

/* S < t means 2 D > base - t, that is D >= limit = floor((base - t) / 2) + 1. Counts start at
 * -limit: the highest bit is set until D reaches the limit. Thresholds beyond all sums, which are
 * base - 2 products to base, are moved next to them. */
static void start_below(block *b) {
    const int32_t *thr = (const int32_t *)b->end->thr + b->oc;
    for (int32_t l = 0; l < BNNC_LANES; ++l) {
        b->start[l] = UINT32_MAX; /* +1, so a zero bit, in channels that are not there */
    }
    for (int32_t l = 0; l < b->count; ++l) {
        const int32_t low = b->base[l] - 2 * b->products, high = b->base[l] + 1;
        const int32_t t = thr[l] < low ? low : thr[l] > high ? high : thr[l];
        b->start[l] = 0u - (uint32_t)(b->base[l] - t + 2) / 2;
    }
}

BNNC_TEMPLATE void store_bits(const block *b, ptrdiff_t pixel, const uint32_t *counts) {
    uint32_t plus = counts[7] >> 31;
    plus = plus + plus + (counts[6] >> 31);
    plus = plus + plus + (counts[5] >> 31);
    plus = plus + plus + (counts[4] >> 31);
    plus = plus + plus + (counts[3] >> 31);
    plus = plus + plus + (counts[2] >> 31);
    plus = plus + plus + (counts[1] >> 31);
    plus = plus + plus + (counts[0] >> 31);
    ((uint8_t *)b->end->y)[pixel] = (uint8_t)~plus;
}

static void bits_any(const bnnc_segment *s, const block *b, ptrdiff_t pixel) {
    const ptrdiff_t step = bnnc_bit_bytes(b->p->oc);
    for (int32_t i = 0; i < s->pixels; ++i) {
        uint32_t counts[BNNC_LANES];
        count_few(s, b, s->x + i * s->x_pixel, counts);
        store_bits(b, (pixel + i) * step + b->oc / 8, counts);
    }
}

#if BNNC_UNROLL

BNNC_TEMPLATE void bits(const bnnc_segment *segment, const block *b, ptrdiff_t pixel,
                        bnnc_count count) {
    const bnnc_segment s = *segment; /* a copy that results cannot overwrite */
    const bnnc_channels at = bnnc_channels_at(s.w_channel);
    const ptrdiff_t step = bnnc_bit_bytes(b->p->oc), end = (pixel + s.pixels) * step + b->oc / 8;
    const uint8_t *x_next = s.x;
    for (ptrdiff_t i = pixel * step + b->oc / 8; i < end; i += step) {
        uint32_t counts[BNNC_LANES];
        const uint8_t *x = x_next;
        x_next += s.x_pixel;
        BNNC_KEEP(x_next);
        count_eight(&s, b, x, at, count, counts);
        store_bits(b, i, counts);
    }
}

BNNC_NOINLINE void bits_3_by_24(const bnnc_segment *s, const block *b, ptrdiff_t pixel) {
    bits(s, b, pixel, bnnc_count_3_by_24);
}

BNNC_NOINLINE void bits_3_by_48(const bnnc_segment *s, const block *b, ptrdiff_t pixel) {
    bits(s, b, pixel, bnnc_count_3_by_48);
}

BNNC_NOINLINE void bits_3_by_96(const bnnc_segment *s, const block *b, ptrdiff_t pixel) {
    bits(s, b, pixel, bnnc_count_3_by_96);
}

BNNC_NOINLINE void bits_by_96(const bnnc_segment *s, const block *b, ptrdiff_t pixel) {
    bits(s, b, pixel, bnnc_count_by_96);
}

BNNC_NOINLINE void bits_rows_of_16(const bnnc_segment *s, const block *b, ptrdiff_t pixel) {
    bits(s, b, pixel, bnnc_count_rows_of_16);
}

BNNC_NOINLINE void bits_rows_of_48(const bnnc_segment *s, const block *b, ptrdiff_t pixel) {
    bits(s, b, pixel, bnnc_count_rows_of_48);
}

BNNC_NOINLINE void bits_by_32(const bnnc_segment *s, const block *b, ptrdiff_t pixel) {
    bits(s, b, pixel, bnnc_count_by_32);
}

BNNC_NOINLINE void bits_by_48(const bnnc_segment *s, const block *b, ptrdiff_t pixel) {
    bits(s, b, pixel, bnnc_count_by_48);
}

static void run_bits(const bnnc_segment *s, const block *b, ptrdiff_t pixel) {
    if (b->count < BNNC_LANES || s->runs != 1) {
        bits_any(s, b, pixel);
    } else if (s->rows == 3 && s->len == 24 && s->w_row == 24) {
        bits_3_by_24(s, b, pixel);
    } else if (s->rows == 3 && s->len == 48 && s->w_row == 48) {
        bits_3_by_48(s, b, pixel);
    } else if (s->rows == 3 && s->len == 96 && s->w_row == 96) {
        bits_3_by_96(s, b, pixel);
    } else if (s->len == 16) {
        bits_rows_of_16(s, b, pixel);
    } else if (s->len == 48) {
        bits_rows_of_48(s, b, pixel);
    } else if (s->len % 96 == 0) {
        bits_by_96(s, b, pixel);
    } else if (s->len % 48 == 0) {
        bits_by_48(s, b, pixel);
    } else if (s->len % 32 == 0) {
        bits_by_32(s, b, pixel);
    } else {
        bits_any(s, b, pixel);
    }
}

BNNC_NOINLINE void count_by_48(const bnnc_segment *s, const block *b, const uint8_t *x,
                               uint32_t *counts) {
    count_eight(s, b, x, bnnc_channels_at(s->w_channel), bnnc_count_by_48, counts);
}

BNNC_NOINLINE void count_by_32(const bnnc_segment *s, const block *b, const uint8_t *x,
                               uint32_t *counts) {
    count_eight(s, b, x, bnnc_channels_at(s->w_channel), bnnc_count_by_32, counts);
}

static void count_pixel(const bnnc_segment *s, const block *b, const uint8_t *x, uint32_t *counts) {
    if (b->count < BNNC_LANES || s->runs != 1) {
        count_few(s, b, x, counts);
    } else if (s->len % 48 == 0) {
        count_by_48(s, b, x, counts);
    } else if (s->len % 32 == 0) {
        count_by_32(s, b, x, counts);
    } else {
        count_few(s, b, x, counts);
    }
}

#else

static void run_bits(const bnnc_segment *s, const block *b, ptrdiff_t pixel) {
    bits_any(s, b, pixel);
}

static void count_pixel(const bnnc_segment *s, const block *b, const uint8_t *x, uint32_t *counts) {
    count_few(s, b, x, counts);
}

#endif

/* Sums for the ends that other kernels have too. */
BNNC_TEMPLATE void sums(const bnnc_segment *s, const block *b, ptrdiff_t pixel,
                        bnnc_finish finish) {
    for (int32_t i = 0; i < s->pixels; ++i) {
        uint32_t counts[BNNC_LANES];
        bnnc_accumulators acc;
        count_pixel(s, b, s->x + i * s->x_pixel, counts);
        for (int32_t l = 0; l < BNNC_LANES; ++l) {
            acc.i[l] = b->base[l] - 2 * (int32_t)counts[l];
        }
        finish(b->p, b->end, pixel + i, b->oc, b->count, &acc, 1);
    }
}

static void run_scaled(const bnnc_segment *s, const block *b, ptrdiff_t pixel) {
    sums(s, b, pixel, bnnc_finish_scaled);
}

static void run_levels(const bnnc_segment *s, const block *b, ptrdiff_t pixel) {
    sums(s, b, pixel, bnnc_finish_levels);
}

/* The segment that begins at a window. The block's base and start are set unless they are what the
 * segment before had. */
BNNC_NOINLINE bnnc_segment begin(const bnnc_block *at, block *b, int32_t pixels, int cut) {
    const bnnc_conv2d *p = at->p;
    const bnnc_window *v = &at->window;
    const bnnc_bit_weights w = bnnc_weights_of(at, (const uint8_t *)at->w, NULL);
    const int32_t rows = v->kh_hi - v->kh_lo, taps = v->kw_hi - v->kw_lo;
    const int32_t products = rows * taps * p->ic;
    bnnc_segment s = {(const uint8_t *)at->image, w.sign, 0, 0, 0, 0, 0, w.row, 0, 0, 0, pixels};
    if (products > 0) {
        s.x += bnnc_tap_pixel(at, v->kh_lo, v->kw_lo) * w.tap;
        s.w += (v->kh_lo * p->kw + v->kw_lo) * w.tap;
        s.x_row = (ptrdiff_t)p->dilation_h * p->iw * w.tap;
        s.w_row = p->kw * w.tap;
        s.x_run = p->dilation_w * w.tap;
        s.w_run = w.tap;
        s.x_pixel = p->stride_w * w.tap;
        s.len = p->dilation_w == 1 ? taps * w.tap : w.tap;
        s.rows = rows;
        s.runs = p->dilation_w == 1 ? 1 : taps;
    }
    if (b->products == products && p->pad_value == 0) {
        return s;
    }
    b->products = products;
    for (int32_t l = 0; l < BNNC_LANES; ++l) {
        b->base[l] = products;
        b->start[l] = 0;
    }
    if (p->pad_value != 0) {
        bnnc_add_padding(at, &w, b->count, b->base);
    }
    if (cut) {
        start_below(b);
    }
    return s;
}

/* Columns lo <= ox < hi have all their taps between the left and the right border. */
static void find_inner_columns(const bnnc_conv2d *p, int32_t *lo, int32_t *hi) {
    const int32_t last = p->iw - 1 - (p->kw - 1) * p->dilation_w + p->pad_left;
    const int32_t end = last >= 0 ? last / p->stride_w + 1 : 0;
    *lo = bnnc_first_tap(-p->pad_left, p->stride_w, 0);
    *hi = end < p->ow ? end : p->ow;
}

BNNC_TEMPLATE void convolve(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                            const bnnc_end *end, run run_segment, int cut) {
    bnnc_block at = {p, {0, 0, 0, 0, 0, 0}, x, w, 0, 0, 0};
    bnnc_window *v = &at.window;
    int32_t lo, hi;
    find_inner_columns(p, &lo, &hi);
    for (at.oc = 0; at.oc < p->oc; at.oc += BNNC_LANES) {
        const int32_t left = p->oc - at.oc, count = left < BNNC_LANES ? left : BNNC_LANES;
        block inner = {p, end, at.oc, count, -1, {0}, {0}}, edge = inner;
        ptrdiff_t pixel = 0;
        for (int32_t n = 0; n < p->n; ++n) {
            at.image = x + n * bnnc_bit_image_bytes(p);
            for (int32_t oy = 0; oy < p->oh; ++oy) {
                v->y0 = oy * p->stride_h - p->pad_top;
                bnnc_tap_range(v->y0, p->dilation_h, p->kh, p->ih, &v->kh_lo, &v->kh_hi);
                for (int32_t ox = 0, pixels; ox < p->ow; ox += pixels, pixel += pixels) {
                    const int inside = ox >= lo && ox < hi;
                    block *b = inside ? &inner : &edge;
                    pixels = inside ? hi - ox : 1;
                    v->x0 = ox * p->stride_w - p->pad_left;
                    bnnc_tap_range(v->x0, p->dilation_w, p->kw, p->iw, &v->kw_lo, &v->kw_hi);
                    const bnnc_segment s = begin(&at, b, pixels, cut);
                    run_segment(&s, b, pixel);
                }
            }
        }
    }
}

void BNNC_SYM(conv2d_bb_x4_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                const float *alpha, const float *bias, float *y) {
    const bnnc_end end = {NULL, alpha, bias, y};
    convolve(p, x, w, &end, run_scaled, 0);
}

void BNNC_SYM(conv2d_bb_x4_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                const int32_t *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    convolve(p, x, w, &end, run_bits, 1);
}

void BNNC_SYM(conv2d_bb_x4_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                const int32_t *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    convolve(p, x, w, &end, run_levels, 0);
}
