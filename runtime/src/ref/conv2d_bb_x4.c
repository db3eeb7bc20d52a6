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
    bnnc_window window; /* the taps that lie inside are those of this window */
    int32_t products;   /* of a channel, of these taps */
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

/* Zero bits where the counts' highest bits are ones. */
BNNC_TEMPLATE uint8_t signs(const uint32_t *counts) {
    uint32_t plus = counts[7] >> 31;
    plus = plus + plus + (counts[6] >> 31);
    plus = plus + plus + (counts[5] >> 31);
    plus = plus + plus + (counts[4] >> 31);
    plus = plus + plus + (counts[3] >> 31);
    plus = plus + plus + (counts[2] >> 31);
    plus = plus + plus + (counts[1] >> 31);
    plus = plus + plus + (counts[0] >> 31);
    return (uint8_t)~plus;
}

static void bits_any(const bnnc_segment *s, const block *b, ptrdiff_t pixel) {
    const ptrdiff_t step = bnnc_bit_bytes(b->p->oc);
    uint8_t *y = (uint8_t *)b->end->y + b->oc / 8;
    for (int32_t i = 0; i < s->pixels; ++i) {
        uint32_t counts[BNNC_LANES];
        count_few(s, b, s->x + i * s->x_pixel, counts);
        y[(pixel + i) * step] = signs(counts);
    }
}

#if BNNC_UNROLL

BNNC_TEMPLATE void bits(const bnnc_segment *segment, const block *b, ptrdiff_t pixel,
                        bnnc_count count) {
    const bnnc_segment s = *segment; /* a copy that results cannot overwrite */
    const bnnc_channels at = bnnc_channels_at(s.w_channel);
    const ptrdiff_t step = bnnc_bit_bytes(b->p->oc), end = (pixel + s.pixels) * step;
    const uint8_t *x_next = s.x;
    uint8_t *y = (uint8_t *)b->end->y + b->oc / 8;
    for (ptrdiff_t i = pixel * step; i < end; i += step) {
        uint32_t counts[BNNC_LANES];
        const uint8_t *x = x_next;
        x_next += s.x_pixel;
        BNNC_KEEP(x_next);
        count_eight(&s, b, x, at, count, counts);
        y[i] = signs(counts);
    }
}

/* Count differences of eight channels, whose weights lie 72 bytes apart, in 24 bytes. */
BNNC_TEMPLATE void count_24(uint32_t *counts, const uint8_t *x, const uint8_t *w) {
    for (int32_t word = 0; word < 24; word += 8) {
        uint64_t v;
        memcpy(&v, x + word, 8);
        for (int32_t l = 0; l < BNNC_LANES; ++l) {
            uint64_t differ;
            memcpy(&differ, w + l * 72 + word, 8);
            counts[l] = bnnc_count_word(counts[l], v ^ differ);
        }
    }
}

/* A whole 3 x 3 window on 64 channels. Its places are constants, so all eight counts fit into
 * registers at once. */
BNNC_NOINLINE void bits_3_by_24(const bnnc_segment *s, const block *b, ptrdiff_t pixel) {
    const ptrdiff_t step = bnnc_bit_bytes(b->p->oc), x_row = s->x_row, x_pixel = s->x_pixel;
    const uint8_t *x = s->x, *w = s->w;
    uint8_t *y = (uint8_t *)b->end->y + pixel * step + b->oc / 8;
    for (int32_t left = s->pixels; left > 0; --left, x += x_pixel, y += step) {
        uint32_t counts[BNNC_LANES];
        for (int32_t l = 0; l < BNNC_LANES; ++l) {
            counts[l] = b->start[l];
        }
        count_24(counts, x, w);
        count_24(counts, x + x_row, w + 24);
        count_24(counts, x + 2 * x_row, w + 48);
        *y = signs(counts);
    }
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
    } else if (s->rows == 3 && s->len == 24 && s->w_row == 24 && s->w_channel == 72) {
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

/* Whether the same taps of two windows lie inside the input. */
BNNC_TEMPLATE int same_taps(const bnnc_window *v, const bnnc_window *w) {
    return v->kh_lo == w->kh_lo && v->kh_hi == w->kh_hi && v->kw_lo == w->kw_lo &&
           v->kw_hi == w->kw_hi;
}

/* Base and start for the taps of a window that lie inside. */
BNNC_NOINLINE void prepare(const bnnc_block *at, block *b, int cut) {
    const bnnc_conv2d *p = at->p;
    const bnnc_window *v = &at->window;
    b->window = *v;
    b->products = (v->kh_hi - v->kh_lo) * (v->kw_hi - v->kw_lo) * p->ic;
    for (int32_t l = 0; l < BNNC_LANES; ++l) {
        b->base[l] = b->products;
        b->start[l] = 0;
    }
    if (p->pad_value != 0) {
        const bnnc_bit_weights w = bnnc_weights_of(at, (const uint8_t *)at->w, NULL);
        bnnc_add_padding(at, &w, b->count, b->base);
    }
    if (cut) {
        start_below(b);
    }
}

/* The segment that begins at a window. */
BNNC_TEMPLATE bnnc_segment segment_at(const bnnc_block *at, int32_t pixels) {
    const bnnc_conv2d *p = at->p;
    const bnnc_window *v = &at->window;
    const ptrdiff_t tap = bnnc_bit_bytes(p->ic), channel = p->kh * p->kw * tap;
    const int32_t rows = v->kh_hi - v->kh_lo, taps = v->kw_hi - v->kw_lo;
    bnnc_segment s = {
        (const uint8_t *)at->image, (const uint8_t *)at->w, 0, 0, 0, 0, 0, 0, 0, 0, 0, pixels};
    s.w += at->oc * channel;
    s.w_channel = channel;
    if (rows > 0 && taps > 0) {
        s.x += bnnc_tap_pixel(at, v->kh_lo, v->kw_lo) * tap;
        s.w += (v->kh_lo * p->kw + v->kw_lo) * tap;
        s.x_row = (ptrdiff_t)p->dilation_h * p->iw * tap;
        s.w_row = p->kw * tap;
        s.x_run = p->dilation_w * tap;
        s.w_run = tap;
        s.x_pixel = p->stride_w * tap;
        s.len = p->dilation_w == 1 ? taps * tap : tap;
        s.rows = rows;
        s.runs = p->dilation_w == 1 ? 1 : taps;
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
        /* Of the inner columns, and of those left and right of them. */
        block blocks[3] = {{p, end, at.oc, count, {0, 0, -1, 0, 0, 0}, 0, {0}, {0}}};
        ptrdiff_t pixel = 0;
        blocks[1] = blocks[2] = blocks[0];
        for (int32_t n = 0; n < p->n; ++n) {
            at.image = x + n * bnnc_bit_image_bytes(p);
            for (int32_t oy = 0; oy < p->oh; ++oy) {
                v->y0 = oy * p->stride_h - p->pad_top;
                bnnc_tap_range(v->y0, p->dilation_h, p->kh, p->ih, &v->kh_lo, &v->kh_hi);
                for (int32_t ox = 0, pixels; ox < p->ow; ox += pixels, pixel += pixels) {
                    const int inside = ox >= lo && ox < hi;
                    block *b = &blocks[inside ? 0 : ox < lo ? 1 : 2];
                    bnnc_segment s;
                    pixels = inside ? hi - ox : 1;
                    v->x0 = ox * p->stride_w - p->pad_left;
                    bnnc_tap_range(v->x0, p->dilation_w, p->kw, p->iw, &v->kw_lo, &v->kw_hi);
                    if (!same_taps(v, &b->window)) {
                        prepare(&at, b, cut);
                    }
                    s = segment_at(&at, pixels);
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
