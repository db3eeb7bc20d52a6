/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers: level activations in planes, bit weights as in conv2d_bb_neon.c,
 * groups == 1 or of whole bytes of channels on both sides; 64-bit ARM. */
#include "bnnc/kernels.h"
#include "bnnc/neon_planes.h"

BNNC_NOINLINE void meet_scaled(const bnnc_windows *s, const bnnc_plane_tile *t,
                               const bnnc_runs *w) {
    bnnc_meet_planes(s, t, w, 0, 0, bnnc_sums_to_floats);
}

BNNC_NOINLINE void meet_bits(const bnnc_windows *s, const bnnc_plane_tile *t, const bnnc_runs *w) {
    bnnc_meet_planes(s, t, w, 0, 0, bnnc_sums_to_byte);
}

BNNC_NOINLINE void meet_levels(const bnnc_windows *s, const bnnc_plane_tile *t,
                               const bnnc_runs *w) {
    bnnc_meet_planes(s, t, w, 0, 0, bnnc_sums_to_levels);
}

static void to_scaled(const bnnc_windows *s, const void *all) {
    bnnc_convolve_planes(s, (const bnnc_plane_layer *)all, 0, 0, 0, meet_scaled);
}

static void to_bits(const bnnc_windows *s, const void *all) {
    bnnc_convolve_planes(s, (const bnnc_plane_layer *)all, 0, 0, 1, meet_bits);
}

static void to_levels(const bnnc_windows *s, const void *all) {
    bnnc_convolve_planes(s, (const bnnc_plane_layer *)all, 0, 0, 0, meet_levels);
}

void BNNC_SYM(conv2d_ub_neon_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const float *alpha, const float *bias, float *y) {
    const bnnc_end end = {NULL, alpha, bias, y};
    const bnnc_plane_layer all = {w, &end};
    bnnc_each_window(p, x, 1, to_scaled, &all);
}

void BNNC_SYM(conv2d_ub_neon_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    const bnnc_plane_layer all = {w, &end};
    bnnc_each_window(p, x, bnnc_bit_bytes(p->oc), to_bits, &all);
}

void BNNC_SYM(conv2d_ub_neon_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    const bnnc_plane_layer all = {w, &end};
    bnnc_each_window(p, x, 1, to_levels, &all);
}
