/* SPDX-License-Identifier: 0BSD */
/* Where results are shown. */
#ifndef CAMERA_VIEW_H
#define CAMERA_VIEW_H

#include "network.h"

/* What there is to say about a picture. */
typedef struct {
    const char *name; /* of the picture */
    const candidate *best;
    int count;
    char *const *labels; /* by class, or NULL: classes go by their numbers */
    double rate;         /* pictures a second so far */
    double network_ms;   /* what the network took for this one */
} result;

enum { LABEL_BYTES = 64 };

/* The name of a candidate's class. `buffer` holds LABEL_BYTES, and is used if it has none. */
const char *label_of(const result *shown, int place, char *buffer);

/* A line for each picture. */
void print_line(const result *shown);

/* The picture in colours, and the classes below, over what was there before. */
void draw_terminal(const image *picture, const result *shown);

/* A Linux framebuffer, or a file that has the size of one. */
typedef struct {
    int fd, width, height, bits; /* a pixel has 16 (5, 6, 5) or 32 (blue first) */
    size_t pitch, bytes;
    uint8_t *pixels;
} framebuffer;

/* Open it. Sizes are asked for unless `width` is positive: then it is a file of 32 bits a pixel.
 * Returns 0 if it does not work, which has been printed. */
int open_framebuffer(framebuffer *fb, const char *path, int width, int height);

/* The picture as large as it fits, and the classes in its corner. */
void draw_framebuffer(framebuffer *fb, const image *picture, const result *shown);

void close_framebuffer(framebuffer *fb);

#endif
