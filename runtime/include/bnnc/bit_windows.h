/* SPDX-License-Identifier: 0BSD */
/* All windows of a layer on bits, in pieces as in window_copies.h. */
#ifndef BNNC_BIT_WINDOWS_H
#define BNNC_BIT_WINDOWS_H

#include "bnnc/window_copies.h"

/* Output pixels whose windows have the same taps inside the input. */
typedef struct {
    int32_t oy, oy_end, ox, ox_end;
    bnnc_window window; /* of the first */
} bnnc_region;

/* Leave out whole steps of weights that are nothing but rows of taps above or below the input. */
BNNC_TEMPLATE void bnnc_leave_out_rows(bnnc_windows *s, const bnnc_window *v) {
    const ptrdiff_t row = s->p->kw * s->tap;
    const ptrdiff_t first = v->kh_lo * row / 16;
    if (v->kh_hi < s->p->kh) {
        s->half = 0;
        s->steps = (v->kh_hi * row + 15) / 16;
    }
    s->steps -= first;
    s->runs = s->steps > 0;
    s->w_first = first * 16;
    s->mask += first * 16;
}

/* Say what the windows that come are: those of v, with all taps or with the ones inside the input.
 * Zero padding is left out where the weights of a tap are whole steps; elsewhere its taps are +1
 * and there is a mask. */
BNNC_TEMPLATE void bnnc_set_taps(bnnc_windows *s, const bnnc_window *v) {
    const bnnc_conv2d *p = s->p;
    const int32_t taps = p->kh * p->kw;
    const int32_t rows = v->kh_hi - v->kh_lo, columns = v->kw_hi - v->kw_lo;
    const int inside = !s->fill && rows * columns < taps;
    s->products = (inside ? rows * columns : taps) * s->channels;
    const ptrdiff_t row = taps * s->tap;
    s->half = row % 16 > 0 && row % 16 <= 8;
    s->steps = s->half ? row / 16 : s->w_row / 16;
    s->runs = s->steps > 0;
    s->size = s->w_row;
    s->w_first = s->w_run = 0;
    s->mask = NULL;
    s->copies = s->room;
    if (inside && s->tap % 16 == 0) {
        const int whole = columns == p->kw;
        s->size = rows * columns * s->tap;
        s->runs = s->size == 0 ? 0 : whole ? 1 : rows;
        s->steps = (whole ? rows : 1) * columns * s->tap / 16;
        s->w_first = (v->kh_lo * p->kw + v->kw_lo) * s->tap;
        s->w_run = p->kw * s->tap;
    } else if (inside) {
        s->mask = s->room;
        s->copies = s->room + s->size;
        memset(s->mask, 0, (size_t)s->size);
        for (int32_t i = 0; i < p->kh; ++i) {
            for (int32_t j = 0; j < p->kw; ++j) {
                if (!bnnc_tap_inside(v, i, j)) {
                    memset(s->mask + (i * p->kw + j) * s->tap, 0xff, (size_t)s->tap);
                }
            }
        }
        bnnc_leave_out_rows(s, v);
    }
    if (s->p->bits_in > 0) {
        s->mask = s->room;
        s->copies = s->room + s->size;
        memset(s->mask, 0xff, (size_t)s->size);
    }
    s->next = s->planes * s->size;
    s->w_plane = s->size;
    s->windows = s->copies + (s->mask != NULL ? s->w_first : 0);
}

/* What is done with windows; all have the same taps outside the input. */
typedef void (*bnnc_use_windows)(const bnnc_windows *s, const void *context);

/* How many windows, from that of output column ox on, have the taps of v inside the input. */
BNNC_TEMPLATE int32_t bnnc_alike(const bnnc_conv2d *p, const bnnc_window *v, int32_t ox) {
    const int32_t last = p->iw - 1 + p->pad_left - (p->kw - 1) * p->dilation_w;
    return v->kw_hi - v->kw_lo < p->kw ? 1 : last / p->stride_w - ox + 1;
}

/* The next windows of a row, at most `most`; returns how many they are. */
BNNC_TEMPLATE int32_t bnnc_copy_some(bnnc_windows *s, const uint8_t *image,
                                     const bnnc_window *first, int32_t ox, int32_t most) {
    const bnnc_conv2d *p = s->p;
    bnnc_window_row r = {s, image, *first, s->copies + s->count * s->next, most};
    int all = s->mask == NULL;
    if (s->fill) {
        const int32_t alike = bnnc_alike(p, first, ox);
        r.count = alike < most ? alike : most;
        all = (r.v.kh_hi - r.v.kh_lo) * (r.v.kw_hi - r.v.kw_lo) == p->kh * p->kw;
    }
    for (int32_t j = 0; j < s->planes; ++j, r.image += s->x_plane, r.to += s->w_plane) {
        s->pad_ones = p->bits_in > 0 ? (int32_t)p->pad_value >> j & 1 : p->pad_value < 0;
        if (all) {
            bnnc_copy_inside(&r);
            continue;
        }
        bnnc_window v = *first;
        for (int32_t i = 0; i < r.count; ++i, v.x0 += p->stride_w) {
            bnnc_copy_padded(s, r.image, &v, r.to + i * s->next);
        }
    }
    return r.count;
}

BNNC_TEMPLATE void bnnc_use_region(bnnc_windows *s, const bnnc_region *r, bnnc_use_windows use,
                                   const void *context) {
    const bnnc_conv2d *p = s->p;
    const ptrdiff_t room = s->room + BNNC_ROOM - s->copies;
    const ptrdiff_t fit = s->next == 0 ? BNNC_WINDOWS : room / s->next;
    const int32_t most = fit < 4              ? (int32_t)fit
                         : fit < BNNC_WINDOWS ? (int32_t)fit / 4 * 4
                                              : BNNC_WINDOWS;
    s->count = 0;
    for (int32_t n = 0; n < p->n; ++n) {
        const uint8_t *image = s->x + n * ((ptrdiff_t)p->ih * p->iw * s->pixel);
        for (int32_t oy = r->oy; oy < r->oy_end; ++oy) {
            const ptrdiff_t row = ((ptrdiff_t)n * p->oh + oy) * p->ow;
            for (int32_t ox = r->ox, some; ox < r->ox_end; ox += some) {
                const bnnc_window v = bnnc_window_at(p, oy, ox);
                const int32_t left = r->ox_end - ox, free = most - s->count;
                some = bnnc_copy_some(s, image, &v, ox, left < free ? left : free);
                for (int32_t i = 0; i < some; ++i) {
                    s->at[s->count++] = (row + ox + i) * s->unit;
                }
                if (s->count == most) {
                    use(s, context);
                    s->count = 0;
                }
            }
        }
    }
    if (s->count > 0) {
        use(s, context);
    }
}

/* Whether the windows of two pixels have the same taps inside; all have where padding is copied
 * like any other tap. */
BNNC_TEMPLATE int bnnc_same_taps(const bnnc_windows *s, const bnnc_window *a,
                                 const bnnc_window *b) {
    return s->fill || (a->kh_lo == b->kh_lo && a->kh_hi == b->kh_hi && a->kw_lo == b->kw_lo &&
                       a->kw_hi == b->kw_hi);
}

/* Whether windows are pixels, and follow each other in the input as they do in the result. */
BNNC_TEMPLATE int bnnc_pixels_in_place(const bnnc_windows *s) {
    const bnnc_conv2d *p = s->p;
    const int one = p->kh * p->kw == 1 && p->pad_top == 0 && p->pad_left == 0;
    const int all = p->stride_h == 1 && p->stride_w == 1 && p->oh == p->ih && p->ow == p->iw;
    return one && (all || p->ih * p->iw * p->oh * p->ow == 1) && s->tap % 8 == 0;
}

BNNC_TEMPLATE void bnnc_each_pixel(bnnc_windows *s, bnnc_use_windows use, const void *context) {
    const bnnc_conv2d *p = s->p;
    const bnnc_window v = bnnc_window_at(p, 0, 0);
    const ptrdiff_t pixels = (ptrdiff_t)p->n * p->oh * p->ow;
    bnnc_set_taps(s, &v);
    s->next = s->pixel;
    s->w_plane = s->x_plane;
    for (ptrdiff_t first = 0; first < pixels; first += s->count) {
        const ptrdiff_t left = pixels - first;
        s->count = left < BNNC_WINDOWS ? (int32_t)left : BNNC_WINDOWS;
        s->windows = s->x + first * s->next;
        for (int32_t i = 0; i < s->count; ++i) {
            s->at[i] = (first + i) * s->unit;
        }
        use(s, context);
    }
}

/* Windows in groups whose taps inside the input are the same. */
BNNC_TEMPLATE void bnnc_each_copy(bnnc_windows *s, bnnc_use_windows use, const void *context) {
    const bnnc_conv2d *p = s->p;
    bnnc_region r;
    for (r.oy = 0; r.oy < p->oh; r.oy = r.oy_end) {
        const bnnc_window top = bnnc_window_at(p, r.oy, 0);
        for (r.oy_end = r.oy + 1; r.oy_end < p->oh; ++r.oy_end) {
            const bnnc_window v = bnnc_window_at(p, r.oy_end, 0);
            if (!bnnc_same_taps(s, &top, &v)) {
                break;
            }
        }
        for (r.ox = 0; r.ox < p->ow; r.ox = r.ox_end) {
            r.window = bnnc_window_at(p, r.oy, r.ox);
            for (r.ox_end = r.ox + 1; r.ox_end < p->ow; ++r.ox_end) {
                const bnnc_window v = bnnc_window_at(p, r.oy, r.ox_end);
                if (!bnnc_same_taps(s, &r.window, &v)) {
                    break;
                }
            }
            bnnc_set_taps(s, &r.window);
            bnnc_use_region(s, &r, use, context);
        }
    }
}

/* All windows of a layer, group after group; groups begin at byte borders. unit: of bnnc_windows.
 */
BNNC_TEMPLATE void bnnc_each_window(const bnnc_conv2d *p, const uint8_t *x, ptrdiff_t unit,
                                    bnnc_use_windows use, const void *context) {
    bnnc_windows all, *s = &all; /* not filled: there is much room */
    s->p = p;
    s->x = x;
    s->channels = p->ic / p->groups;
    s->pixel = bnnc_bit_bytes(p->ic);
    s->tap = bnnc_bit_bytes(s->channels);
    s->planes = p->bits_in > 0 ? p->bits_in : 1;
    s->x_plane = p->n * bnnc_bit_image_bytes(p);
    s->fill = p->bits_in > 0 || p->pad_value != 0;
    s->w_row = (p->kh * p->kw * s->tap + 15) / 16 * 16;
    s->unit = unit;
    for (s->group = 0; s->group < p->groups; ++s->group, s->x += s->tap) {
        if (bnnc_pixels_in_place(s)) {
            bnnc_each_pixel(s, use, context);
        } else {
            bnnc_each_copy(s, use, context);
        }
    }
}

#endif
