/* SPDX-License-Identifier: 0BSD */
#include "source.h"

#include <stdlib.h>

typedef struct {
    source base;
    image picture;
    int time;
} pattern;

/* A ball of light that goes round in front of a gradient. */
static int next(source *self, image *picture) {
    pattern *p = (pattern *)self;
    const int w = p->picture.width, h = p->picture.height, radius = (w < h ? w : h) / 4;
    const int cx = w / 4 + p->time * 3 % (w / 2 + 1), cy = h / 2;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            uint8_t *pixel = p->picture.rgb + 3 * ((size_t)y * (size_t)w + (size_t)x);
            const int dx = x - cx, dy = y - cy;
            const int inside = dx * dx + dy * dy < radius * radius;
            pixel[0] = (uint8_t)(inside ? 250 : x * 255 / w);
            pixel[1] = (uint8_t)(inside ? 220 : y * 255 / h);
            pixel[2] = (uint8_t)(inside ? 90 : 128);
        }
    }
    p->time++;
    *picture = p->picture;
    return 1;
}

static void finish(source *self) {
    free(((pattern *)self)->picture.rgb);
    free(self);
}

source *open_pattern(int width, int height) {
    pattern *p = calloc(1, sizeof *p);
    uint8_t *rgb = malloc(3 * (size_t)width * (size_t)height);
    if (p == NULL || rgb == NULL) {
        abort();
    }
    p->base.next = next;
    p->base.close = finish;
    p->base.name = "pattern";
    p->picture.width = width;
    p->picture.height = height;
    p->picture.rgb = rgb;
    return &p->base;
}
