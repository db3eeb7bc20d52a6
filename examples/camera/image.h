/* SPDX-License-Identifier: 0BSD */
/* Pictures, and what becomes of them on their way into a network. */
#ifndef CAMERA_IMAGE_H
#define CAMERA_IMAGE_H

#include <stddef.h>
#include <stdint.h>

/* Red, green, blue in 0..255, three bytes a pixel, rows from the top without gaps. */
typedef struct {
    int width, height;
    uint8_t *rgb;
} image;

/* How a network wants its pixels. */
typedef struct {
    int width, height, channels; /* channels: 1 is the brightness, 3 are the colours */
    int channels_first;          /* [channels, height, width], else [height, width, channels] */
    int bgr;                     /* blue comes first */
    int stretch;                 /* take the whole picture, else the largest part in the middle
                                  * that has the network's proportions */
    float mean[3], std[3]; /* a value is (pixel - mean) / std, in the order red, green, blue */
} input_format;

enum { LARGEST_SIDE = 16384 };

/* Bring a picture to the size and form of the network's input.
 *
 * Each value is the mean of the area of the picture that it covers, which is exact: a picture of
 * the network's own size goes through unchanged. */
void prepare_input(const image *from, const input_format *format, float *input);

/* Convert two pixels at a time of the order Y0 U Y1 V (ITU-R BT.601, 16..235) to colours.
 * `pitch` is the number of bytes from one row to the next. */
void rgb_from_yuyv(const uint8_t *yuyv, size_t pitch, image *to);

#endif
