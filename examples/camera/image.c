/* SPDX-License-Identifier: 0BSD */
#include "image.h"

typedef struct {
    int first, length;
} span;

/* The part of a side that is looked at: all of it, or the middle. */
static span middle(int side, int64_t wanted) {
    const int length = wanted < 1 ? 1 : wanted < side ? (int)wanted : side;
    const span found = {(side - length) / 2, length};
    return found;
}

/* The mean of one colour over the part of the picture that an element of the input covers.
 *
 * Cut each of the `length` pixels of a side into `parts` equal pieces, `parts` being the elements
 * of the input along it: then element i covers the pieces i * length ... (i + 1) * length - 1, and
 * all weights are integers. */
static double mean_of(const image *from, span xs, span ys, int x, int y, const input_format *f,
                      int colour) {
    const int64_t left = (int64_t)x * xs.length, right = left + xs.length;
    const int64_t top = (int64_t)y * ys.length, bottom = top + ys.length;
    int64_t sum = 0;
    for (int64_t row = top / f->height; row * f->height < bottom; row++) {
        const int64_t begin = row * f->height, end = begin + f->height;
        const int64_t tall = (end < bottom ? end : bottom) - (begin > top ? begin : top);
        const uint8_t *pixels =
            from->rgb + 3 * ((size_t)(ys.first + row) * (size_t)from->width + (size_t)xs.first);
        int64_t across = 0;
        for (int64_t column = left / f->width; column * f->width < right; column++) {
            const int64_t start = column * f->width, stop = start + f->width;
            const int64_t wide = (stop < right ? stop : right) - (start > left ? start : left);
            across += wide * pixels[3 * column + colour];
        }
        sum += tall * across;
    }
    return (double)sum / ((double)xs.length * ys.length);
}

void prepare_input(const image *from, const input_format *format, float *input) {
    const int64_t w = format->width, h = format->height;
    const int whole = format->stretch;
    const span xs = middle(from->width, whole ? from->width : w * from->height / h);
    const span ys = middle(from->height, whole ? from->height : h * from->width / w);
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            double value[3];
            for (int c = 0; c < 3; c++) {
                value[c] = mean_of(from, xs, ys, x, y, format, c);
            }
            if (format->channels == 1) { /* a grey pixel keeps its value: the weights add up to 1 */
                value[0] = (77 * value[0] + 150 * value[1] + 29 * value[2]) / 256;
            }
            for (int c = 0; c < format->channels; c++) {
                const int colour = format->bgr && format->channels == 3 ? 2 - c : c;
                const int64_t at = format->channels_first ? (c * h + y) * w + x
                                                          : (y * w + x) * format->channels + c;
                input[at] = ((float)value[colour] - format->mean[colour]) / format->std[colour];
            }
        }
    }
}

static uint8_t byte_of(int value) { return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value); }

void rgb_from_yuyv(const uint8_t *yuyv, size_t pitch, image *to) {
    for (int y = 0; y < to->height; y++) {
        const uint8_t *row = yuyv + (size_t)y * pitch;
        for (int x = 0; x < to->width; x++) {
            /* In 1/256, with a half for rounding. */
            const int luma = 298 * (row[2 * x] - 16) + 128;
            const int u = row[4 * (x / 2) + 1] - 128, v = row[4 * (x / 2) + 3] - 128;
            uint8_t *pixel = to->rgb + 3 * ((size_t)y * (size_t)to->width + (size_t)x);
            pixel[0] = byte_of((luma + 409 * v) / 256);
            pixel[1] = byte_of((luma - 100 * u - 208 * v) / 256);
            pixel[2] = byte_of((luma + 516 * u) / 256);
        }
    }
}
