/* SPDX-License-Identifier: 0BSD */
/* Counting where bits of activations and of weights differ, four output channels at a time.
 *
 * Each word of the input meets the words of four channels, whose counts stay in registers.
 * Additions are what limits the speed, so everything else is kept out of their way: addresses are
 * computed one step before they are needed. An addition waits for the ones before it, and loads
 * from an address that was computed late would wait with it. */
#ifndef BNNC_CONV_FOURS_H
#define BNNC_CONV_FOURS_H

#include "bnnc/common.h"

/* Where counting ones takes many instructions, unrolled loops do not pay for their size; in a build
 * that does not optimise, they would take 9 KiB of stack. */
#if BNNC_POPCOUNT_INSTRUCTION && defined(__OPTIMIZE__)
#define BNNC_UNROLL 1
#else
#define BNNC_UNROLL 0
#endif

/* Neighbouring output pixels whose windows have the same taps inside the input: `rows` times
 * `runs` runs of `len` bytes, in x as in the weights. */
typedef struct {
    const uint8_t *x, *w;                 /* first run of the first pixel and channel */
    ptrdiff_t x_row, w_row, x_run, w_run; /* bytes from row to row, from run to run */
    ptrdiff_t x_pixel, w_channel;         /* bytes from pixel to pixel, from channel to channel */
    ptrdiff_t len;
    int32_t rows, runs, pixels;
} bnnc_segment;

typedef struct {
    uint32_t a, b, c, d;
} bnnc_four;

/* Offsets of the second, third and fourth channel's weights from those of the first. */
typedef struct {
    ptrdiff_t b, c, d;
} bnnc_channels;

BNNC_TEMPLATE bnnc_channels bnnc_channels_at(ptrdiff_t w_channel) {
    bnnc_channels at = {w_channel, 2 * w_channel, 3 * w_channel};
    BNNC_KEEP(at.b);
    BNNC_KEEP(at.c);
    BNNC_KEEP(at.d);
    return at;
}

BNNC_TEMPLATE uint32_t bnnc_count_word(uint32_t count, uint64_t differ) {
    count += (uint32_t)bnnc_popcount64(differ);
    BNNC_KEEP(count);
    return count;
}

/* n = 8, 4 or 1 bytes of four channels. */
BNNC_TEMPLATE bnnc_four bnnc_count_four(bnnc_four f, const uint8_t *x, const uint8_t *w,
                                        bnnc_channels at, size_t n) {
    uint64_t v = 0, a = 0, b = 0, c = 0, d = 0;
    memcpy(&v, x, n);
    memcpy(&a, w, n);
    memcpy(&b, w + at.b, n);
    memcpy(&c, w + at.c, n);
    memcpy(&d, w + at.d, n);
    f.a = bnnc_count_word(f.a, v ^ a);
    f.b = bnnc_count_word(f.b, v ^ b);
    f.c = bnnc_count_word(f.c, v ^ c);
    f.d = bnnc_count_word(f.d, v ^ d);
    return f;
}

BNNC_TEMPLATE bnnc_four bnnc_count_unit_48(bnnc_four f, const uint8_t *x, const uint8_t *w,
                                           bnnc_channels at) {
    f = bnnc_count_four(f, x + 0, w + 0, at, 8);
    f = bnnc_count_four(f, x + 8, w + 8, at, 8);
    f = bnnc_count_four(f, x + 16, w + 16, at, 8);
    f = bnnc_count_four(f, x + 24, w + 24, at, 8);
    f = bnnc_count_four(f, x + 32, w + 32, at, 8);
    f = bnnc_count_four(f, x + 40, w + 40, at, 8);
    return f;
}

/* A unit: a constant number of bytes, 16, 24, 32, 48 or 96. */
BNNC_TEMPLATE bnnc_four bnnc_count_unit(bnnc_four f, const uint8_t *x, const uint8_t *w,
                                        bnnc_channels at, ptrdiff_t unit) {
    f = bnnc_count_four(f, x, w, at, 8);
    f = bnnc_count_four(f, x + 8, w + 8, at, 8);
    if (unit > 16) {
        f = bnnc_count_four(f, x + 16, w + 16, at, 8);
    }
    if (unit > 24) {
        f = bnnc_count_four(f, x + 24, w + 24, at, 8);
    }
    if (unit > 32) {
        f = bnnc_count_four(f, x + 32, w + 32, at, 8);
        f = bnnc_count_four(f, x + 40, w + 40, at, 8);
    }
    if (unit > 48) {
        f = bnnc_count_unit_48(f, x + 48, w + 48, at);
    }
    return f;
}

/* Count the differences of four channels on f: at the pixel whose first run is x, w the weights of
 * the first channel. */
typedef bnnc_four (*bnnc_count)(bnnc_four f, const bnnc_segment *s, const uint8_t *x,
                                const uint8_t *w, bnnc_channels at);

/* Rows of one run each, which is one unit. */
BNNC_TEMPLATE bnnc_four bnnc_count_rows(bnnc_four f, const bnnc_segment *s, const uint8_t *x,
                                        const uint8_t *w, bnnc_channels at, ptrdiff_t unit) {
    for (int32_t row = s->rows; row > 0; --row) {
        const uint8_t *x_unit = x, *w_unit = w;
        x += s->x_row;
        BNNC_KEEP(x);
        w += s->w_row;
        BNNC_KEEP(w);
        f = bnnc_count_unit(f, x_unit, w_unit, at, unit);
    }
    return f;
}

/* Rows of one run each, which is a multiple of a unit. */
BNNC_TEMPLATE bnnc_four bnnc_count_units(bnnc_four f, const bnnc_segment *s, const uint8_t *x,
                                         const uint8_t *w, bnnc_channels at, ptrdiff_t unit) {
    for (int32_t row = s->rows; row > 0; --row) {
        const uint8_t *x_next = x, *w_next = w;
        x += s->x_row;
        BNNC_KEEP(x);
        w += s->w_row;
        BNNC_KEEP(w);
        for (ptrdiff_t left = s->len; left > 0; left -= unit) {
            const uint8_t *x_unit = x_next, *w_unit = w_next;
            x_next += unit;
            BNNC_KEEP(x_next);
            w_next += unit;
            BNNC_KEEP(w_next);
            f = bnnc_count_unit(f, x_unit, w_unit, at, unit);
        }
    }
    return f;
}

/* Three rows of one unit, all weights in one piece and no loop: a 3 x 3 kernel. */
BNNC_TEMPLATE bnnc_four bnnc_count_3(bnnc_four f, const bnnc_segment *s, const uint8_t *x,
                                     const uint8_t *w, bnnc_channels at, ptrdiff_t unit) {
    const uint8_t *second = x + s->x_row, *third = x + 2 * s->x_row;
    BNNC_KEEP(second);
    BNNC_KEEP(third);
    f = bnnc_count_unit(f, x, w, at, unit);
    f = bnnc_count_unit(f, second, w + unit, at, unit);
    return bnnc_count_unit(f, third, w + 2 * unit, at, unit);
}

BNNC_TEMPLATE bnnc_four bnnc_count_3_by_48(bnnc_four f, const bnnc_segment *s, const uint8_t *x,
                                           const uint8_t *w, bnnc_channels at) {
    return bnnc_count_3(f, s, x, w, at, 48);
}

BNNC_TEMPLATE bnnc_four bnnc_count_3_by_96(bnnc_four f, const bnnc_segment *s, const uint8_t *x,
                                           const uint8_t *w, bnnc_channels at) {
    return bnnc_count_3(f, s, x, w, at, 96);
}

BNNC_TEMPLATE bnnc_four bnnc_count_rows_of_16(bnnc_four f, const bnnc_segment *s, const uint8_t *x,
                                              const uint8_t *w, bnnc_channels at) {
    return bnnc_count_rows(f, s, x, w, at, 16);
}

BNNC_TEMPLATE bnnc_four bnnc_count_rows_of_48(bnnc_four f, const bnnc_segment *s, const uint8_t *x,
                                              const uint8_t *w, bnnc_channels at) {
    return bnnc_count_rows(f, s, x, w, at, 48);
}

BNNC_TEMPLATE bnnc_four bnnc_count_by_32(bnnc_four f, const bnnc_segment *s, const uint8_t *x,
                                         const uint8_t *w, bnnc_channels at) {
    return bnnc_count_units(f, s, x, w, at, 32);
}

BNNC_TEMPLATE bnnc_four bnnc_count_by_48(bnnc_four f, const bnnc_segment *s, const uint8_t *x,
                                         const uint8_t *w, bnnc_channels at) {
    return bnnc_count_units(f, s, x, w, at, 48);
}

BNNC_TEMPLATE bnnc_four bnnc_count_by_96(bnnc_four f, const bnnc_segment *s, const uint8_t *x,
                                         const uint8_t *w, bnnc_channels at) {
    return bnnc_count_units(f, s, x, w, at, 96);
}

/* The last n < 8 bytes of a piece of at least 8: the word that ends with them, less what was
 * counted before. */
BNNC_TEMPLATE bnnc_four bnnc_count_tail(bnnc_four f, const uint8_t *x, const uint8_t *w,
                                        bnnc_channels at, ptrdiff_t n) {
    const unsigned counted = (unsigned)(64 - 8 * n);
    uint64_t v, a, b, c, d;
    memcpy(&v, x + n - 8, 8);
    memcpy(&a, w + n - 8, 8);
    memcpy(&b, w + at.b + n - 8, 8);
    memcpy(&c, w + at.c + n - 8, 8);
    memcpy(&d, w + at.d + n - 8, 8);
    f.a = bnnc_count_word(f.a, (v ^ a) >> counted);
    f.b = bnnc_count_word(f.b, (v ^ b) >> counted);
    f.c = bnnc_count_word(f.c, (v ^ c) >> counted);
    f.d = bnnc_count_word(f.d, (v ^ d) >> counted);
    return f;
}

BNNC_TEMPLATE bnnc_four bnnc_count_piece(bnnc_four f, const uint8_t *x, const uint8_t *w,
                                         bnnc_channels at, ptrdiff_t len) {
    const int whole_words = len >= 8;
    for (; BNNC_UNROLL && len >= 24; len -= 24, x += 24, w += 24) {
        f = bnnc_count_unit(f, x, w, at, 24);
    }
    for (; len >= 8; len -= 8, x += 8, w += 8) {
        f = bnnc_count_four(f, x, w, at, 8);
    }
    if (whole_words) {
        return len > 0 ? bnnc_count_tail(f, x, w, at, len) : f;
    }
    for (; len >= 4; len -= 4, x += 4, w += 4) {
        f = bnnc_count_four(f, x, w, at, 4);
    }
    for (; len > 0; --len, ++x, ++w) {
        f = bnnc_count_four(f, x, w, at, 1);
    }
    return f;
}

BNNC_TEMPLATE bnnc_four bnnc_count_any(bnnc_four f, const bnnc_segment *s, const uint8_t *x,
                                       const uint8_t *w, bnnc_channels at) {
    for (int32_t row = 0; row < s->rows; ++row, x += s->x_row, w += s->w_row) {
        for (int32_t run = 0; run < s->runs; ++run) {
            f = bnnc_count_piece(f, x + run * s->x_run, w + run * s->w_run, at, s->len);
        }
    }
    return f;
}

#endif
