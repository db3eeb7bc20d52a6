/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers: bit activations, bit weights, groups == 1 or of whole
 * bytes of channels on both sides; 64-bit ARM.
 *
 * Weights: [(oc + 7) / 8] tiles of [steps][8][16] bytes, a row of kh * kw * ((ic + 7) / 8) bytes
 * for each channel cut into steps, with zeros behind the last tap and for channels that are not
 * there.
 *
 * With D differences in a window of N products inside the input, of which padding with 0 is none,
 * S = N - 2 D. Where taps of zero padding are left in windows they are +1: they differ where the
 * weight is -1, as often as there are ones in the weights of these taps, which are subtracted. */
#include "bnnc/bit_windows.h"
#include "bnnc/kernels.h"
#include "bnnc/neon_step.h"
#include "bnnc/neon_sums.h"

/* Eight output channels; the last tile has fewer. */
typedef struct {
    bnnc_channels8 c;
    int32_t products;
    uint16x8_t outside; /* differences that the taps outside the input make */
    uint16x8_t limit;   /* what is below a threshold has at least so many differences */
} tile;

typedef struct {
    const uint8_t *w;
    const bnnc_end *end;
} layer;

/* S < t means 2 D > N - t, that is D >= floor((N - t) / 2) + 1. Thresholds beyond all sums, which
 * are -N to N, are moved next to them. Channels that are not there must not be below. */
BNNC_TEMPLATE void set_limit(tile *t) {
    const bnnc_sums8 thr = bnnc_thresholds_of(&t->c);
    const int32x4_t n = vdupq_n_s32(t->products), low = vnegq_s32(n);
    const int32x4_t high = vaddq_s32(n, vdupq_n_s32(1));
    const int32x4_t a = vminq_s32(vmaxq_s32(thr.low, low), high);
    const int32x4_t b = vminq_s32(vmaxq_s32(thr.high, low), high);
    const int32x4_t c = vshrq_n_s32(vsubq_s32(n, a), 1), d = vshrq_n_s32(vsubq_s32(n, b), 1);
    const uint16x8_t floors =
        vcombine_u16(vmovn_u32(vreinterpretq_u32_s32(c)), vmovn_u32(vreinterpretq_u32_s32(d)));
    t->limit = vaddq_u16(vaddq_u16(floors, vdupq_n_u16(1)), t->outside);
}

BNNC_TEMPLATE uint16x8_t below(const tile *t, uint16x8_t differ) {
    static const uint16_t bits[BNNC_LANES] = {1, 2, 4, 8, 16, 32, 64, 128};
    return vandq_u16(vcgeq_u16(differ, t->limit), vld1q_u16(bits));
}

BNNC_TEMPLATE void bits_of_four(const tile *t, const ptrdiff_t *at, bnnc_quad_counts n) {
    uint8_t *y = t->c.bytes;
    const uint16x8_t p = vpaddq_u16(below(t, n.a), below(t, n.b));
    const uint16x8_t q = vpaddq_u16(below(t, n.c), below(t, n.d));
    const uint16x8_t r = vpaddq_u16(p, q);
    const uint8x16_t bytes = vreinterpretq_u8_u16(vpaddq_u16(r, r));
    vst1q_lane_u8(y + at[0], bytes, 0);
    vst1q_lane_u8(y + at[1], bytes, 2);
    vst1q_lane_u8(y + at[2], bytes, 4);
    vst1q_lane_u8(y + at[3], bytes, 6);
}

BNNC_TEMPLATE void bits_of_one(const tile *t, ptrdiff_t at, uint16x8_t n) {
    t->c.bytes[at] = (uint8_t)vaddvq_u16(below(t, n));
}

BNNC_TEMPLATE bnnc_sums8 sums_of(const tile *t, uint16x8_t n) {
    return bnnc_sums_of(t->products, vsubq_u16(n, t->outside));
}

BNNC_TEMPLATE void scaled_of_one(const tile *t, ptrdiff_t at, uint16x8_t n) {
    bnnc_scale_sums(&t->c, at, sums_of(t, n));
}

BNNC_TEMPLATE void scaled_of_four(const tile *t, const ptrdiff_t *at, bnnc_quad_counts n) {
    scaled_of_one(t, at[0], n.a);
    scaled_of_one(t, at[1], n.b);
    scaled_of_one(t, at[2], n.c);
    scaled_of_one(t, at[3], n.d);
}

BNNC_TEMPLATE void levels_of_one(const tile *t, ptrdiff_t at, uint16x8_t n) {
    bnnc_finish_sums(&t->c, at, sums_of(t, n), bnnc_finish_levels);
}

BNNC_TEMPLATE void levels_of_four(const tile *t, const ptrdiff_t *at, bnnc_quad_counts n) {
    levels_of_one(t, at[0], n.a);
    levels_of_one(t, at[1], n.b);
    levels_of_one(t, at[2], n.c);
    levels_of_one(t, at[3], n.d);
}

typedef void (*store_four)(const tile *t, const ptrdiff_t *at, bnnc_quad_counts n);
typedef void (*store_one)(const tile *t, ptrdiff_t at, uint16x8_t n);

/* All windows meet the weights of a tile. */
BNNC_TEMPLATE void meet(const bnnc_windows *s, const tile *given, const bnnc_runs *w,
                        ptrdiff_t runs, store_four four, store_one one) {
    const tile t = *given; /* copies that results cannot overwrite */
    const bnnc_runs r = {w->w, runs, w->steps, w->w_run, w->half};
    const ptrdiff_t next = s->next, *at = s->at;
    const uint8_t *x = s->windows;
    int32_t left = s->count;
    for (; left >= 4; left -= 4, at += 4, x += 4 * next) {
        four(&t, at, bnnc_count_windows(&r, x, next, 0));
    }
    for (; left > 0; --left, ++at, x += next) {
        one(&t, *at, bnnc_count_window1(&r, x, 0));
    }
}

typedef void (*meet_tile)(const bnnc_windows *s, const tile *t, const bnnc_runs *w);

/* A tile's weights, which lie in the nearest memory then, meet all windows that there are. */
BNNC_TEMPLATE void convolve(const bnnc_windows *s, const layer *all, int cut, meet_tile use) {
    const bnnc_conv2d *p = s->p;
    const uint16x8_t none = vdupq_n_u16(0);
    const int32_t channels = p->oc / p->groups, first = s->group * channels;
    const ptrdiff_t w_tile = s->w_row * 8;
    const uint8_t *w = all->w + first / 8 * w_tile + s->w_first * 8;
    bnnc_runs r = {w, s->runs, s->steps, s->w_run * 8, s->half};
    const bnnc_channels8 c = {p, all->end, (uint8_t *)all->end->y + first / 8, first, 0};
    tile t = {c, s->products, none, none};
    for (int32_t left = channels; left > 0; left -= BNNC_LANES, r.w += w_tile) {
        t.c.count = left < BNNC_LANES ? left : BNNC_LANES;
        if (s->mask != NULL) {
            t.outside = bnnc_count_mask(&r, s->mask);
        }
        if (cut) {
            set_limit(&t);
        }
        use(s, &t, &r);
        t.c.oc += BNNC_LANES;
        ++t.c.bytes;
    }
}

BNNC_NOINLINE void meet_scaled(const bnnc_windows *s, const tile *t, const bnnc_runs *w) {
    meet(s, t, w, w->runs, scaled_of_four, scaled_of_one);
}

BNNC_NOINLINE void meet_bits(const bnnc_windows *s, const tile *t, const bnnc_runs *w) {
    meet(s, t, w, w->runs, bits_of_four, bits_of_one);
}

BNNC_NOINLINE void meet_bits_run(const bnnc_windows *s, const tile *t, const bnnc_runs *w) {
    meet(s, t, w, 1, bits_of_four, bits_of_one);
}

BNNC_TEMPLATE void meet_steps(const bnnc_windows *s, const tile *given, const bnnc_runs *w,
                              int half) {
    const tile t = *given;
    const bnnc_step_tile step = bnnc_step_tile_of(w->w, t.limit, half);
    const ptrdiff_t next = s->next, *at = s->at;
    const uint8_t *x = s->windows, *x1 = x + next, *x2 = x1 + next, *x3 = x2 + next;
    uint8_t *y = t.c.bytes;
    int32_t left = s->count;
    for (; left >= 4; left -= 4, at += 4) {
        uint8x16_t bytes;
        if (half) {
            const uint8x16_t p = vcombine_u8(vld1_u8(x), vld1_u8(x1));
            bytes = bnnc_cut_halves(&step, p, vcombine_u8(vld1_u8(x2), vld1_u8(x3)));
        } else {
            const bnnc_quad v = {vld1q_u8(x), vld1q_u8(x1), vld1q_u8(x2), vld1q_u8(x3)};
            bytes = bnnc_cut_steps(&step, v);
        }
        x += 4 * next, x1 += 4 * next, x2 += 4 * next, x3 += 4 * next;
        vst1q_lane_u8(y + at[0], bytes, 0);
        vst1q_lane_u8(y + at[1], bytes, 1);
        vst1q_lane_u8(y + at[2], bytes, 2);
        vst1q_lane_u8(y + at[3], bytes, 3);
    }
    for (; left > 0; --left, ++at, x += next) {
        bits_of_one(&t, *at, bnnc_count_window1(w, x, 0));
    }
}

BNNC_NOINLINE void meet_bits_step(const bnnc_windows *s, const tile *t, const bnnc_runs *w) {
    meet_steps(s, t, w, 0);
}

BNNC_NOINLINE void meet_bits_half(const bnnc_windows *s, const tile *t, const bnnc_runs *w) {
    meet_steps(s, t, w, 1);
}

/* Fewer than four windows. */
BNNC_NOINLINE void meet_bits_few(const bnnc_windows *s, const tile *t, const bnnc_runs *w) {
    for (int32_t q = 0; q < s->count; ++q) {
        bits_of_one(t, s->at[q], bnnc_count_window1(w, s->windows + q * s->next, 0));
    }
}

BNNC_NOINLINE void meet_levels(const bnnc_windows *s, const tile *t, const bnnc_runs *w) {
    meet(s, t, w, w->runs, levels_of_four, levels_of_one);
}

static void to_scaled(const bnnc_windows *s, const void *all) {
    convolve(s, (const layer *)all, 0, meet_scaled);
}

static void to_bits(const bnnc_windows *s, const void *all) {
    if (s->count < 4) {
        convolve(s, (const layer *)all, 1, meet_bits_few);
    } else if (s->half && s->runs == 0) {
        convolve(s, (const layer *)all, 1, meet_bits_half);
    } else if (!s->half && s->runs == 1 && s->steps == 1) {
        convolve(s, (const layer *)all, 1, meet_bits_step);
    } else if (s->runs == 1) {
        convolve(s, (const layer *)all, 1, meet_bits_run);
    } else {
        convolve(s, (const layer *)all, 1, meet_bits);
    }
}

static void to_levels(const bnnc_windows *s, const void *all) {
    convolve(s, (const layer *)all, 0, meet_levels);
}

void BNNC_SYM(conv2d_bb_neon_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const float *alpha, const float *bias, float *y) {
    const bnnc_end end = {NULL, alpha, bias, y};
    const layer all = {w, &end};
    bnnc_each_window(p, x, 1, to_scaled, &all);
}

void BNNC_SYM(conv2d_bb_neon_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    const layer all = {w, &end};
    bnnc_each_window(p, x, bnnc_bit_bytes(p->oc), to_bits, &all);
}

void BNNC_SYM(conv2d_bb_neon_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    const layer all = {w, &end};
    bnnc_each_window(p, x, 1, to_levels, &all);
}
