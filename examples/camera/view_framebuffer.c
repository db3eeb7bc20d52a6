/* SPDX-License-Identifier: 0BSD */
/* https://docs.kernel.org/fb/framebuffer.html */
#include <fcntl.h>
#include <linux/fb.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "font.h"
#include "view.h"

static int give_up(framebuffer *fb, const char *path, const char *what) {
    fprintf(stderr, "%s: %s\n", path, what);
    if (fb->fd >= 0) {
        close(fb->fd);
    }
    return 0;
}

int open_framebuffer(framebuffer *fb, const char *path, int width, int height) {
    struct fb_var_screeninfo screen;
    struct fb_fix_screeninfo memory;
    fb->fd = open(path, O_RDWR);
    if (fb->fd < 0) {
        return give_up(fb, path, "cannot be opened");
    }
    fb->width = width;
    fb->height = height;
    fb->bits = 32;
    fb->pitch = 4 * (size_t)width;
    if (width <= 0) {
        if (ioctl(fb->fd, FBIOGET_VSCREENINFO, &screen) < 0 ||
            ioctl(fb->fd, FBIOGET_FSCREENINFO, &memory) < 0) {
            return give_up(fb, path, "is no framebuffer; give --framebuffer-size for a file");
        }
        fb->width = (int)screen.xres;
        fb->height = (int)screen.yres;
        fb->bits = (int)screen.bits_per_pixel;
        fb->pitch = memory.line_length;
    }
    if (fb->bits != 16 && fb->bits != 32) {
        return give_up(fb, path, "has neither 16 nor 32 bits a pixel");
    }
    fb->bytes = fb->pitch * (size_t)fb->height;
    if (width > 0 && ftruncate(fb->fd, (off_t)fb->bytes) < 0) {
        return give_up(fb, path, "cannot be made large enough");
    }
    void *mapped = mmap(NULL, fb->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fb->fd, 0);
    if (mapped == MAP_FAILED) {
        return give_up(fb, path, "cannot be mapped");
    }
    fb->pixels = mapped;
    return 1;
}

static void put(framebuffer *fb, int x, int y, unsigned red, unsigned green, unsigned blue) {
    const size_t bytes = (size_t)fb->bits / 8;
    uint8_t *pixel = fb->pixels + (size_t)y * fb->pitch + (size_t)x * bytes;
    const uint32_t value = fb->bits == 32 ? 0xff000000u | red << 16 | green << 8 | blue
                                          : (red >> 3) << 11 | (green >> 2) << 5 | blue >> 3;
    for (size_t i = 0; i < bytes; i++) { /* little-endian, as the framebuffer is */
        pixel[i] = (uint8_t)(value >> 8 * i);
    }
}

/* Letters of 5 x 7 dots in cells of 6 x 8, each dot `size` pixels, on black. */
static void write_text(framebuffer *fb, int left, int top, int size, const char *text) {
    for (; *text != '\0'; text++, left += 6 * size) {
        const unsigned char c = (unsigned char)*text;
        const uint8_t *columns = font[c < ' ' || c > '~' ? '?' - ' ' : c - ' '];
        for (int y = 0; y < 8 * size && top + y < fb->height; y++) {
            for (int x = 0; x < 6 * size && left + x < fb->width; x++) {
                const int on = x < 5 * size && columns[x / size] >> (y / size) & 1;
                put(fb, left + x, top + y, on ? 255 : 0, on ? 255 : 0, on ? 255 : 0);
            }
        }
    }
}

void draw_framebuffer(framebuffer *fb, const image *picture, const result *shown) {
    char label[LABEL_BYTES], line[LABEL_BYTES + 32];
    int width = fb->width, height = (int)((int64_t)width * picture->height / picture->width);
    if (height > fb->height) {
        height = fb->height;
        width = (int)((int64_t)height * picture->width / picture->height);
    }
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            const size_t from =
                (size_t)((int64_t)y * picture->height / height) * (size_t)picture->width +
                (size_t)((int64_t)x * picture->width / width);
            const uint8_t *pixel = picture->rgb + 3 * from;
            put(fb, x, y, pixel[0], pixel[1], pixel[2]);
        }
    }
    const int size = fb->height >= 480 ? 2 : 1;
    for (int i = 0; i < shown->count; i++) {
        snprintf(line, sizeof line, "%-16.16s %9.4g", label_of(shown, i, label),
                 (double)shown->best[i].score);
        write_text(fb, 0, 8 * size * i, size, line);
    }
    snprintf(line, sizeof line, "%.1f/s, network %.2f ms", shown->rate, shown->network_ms);
    write_text(fb, 0, 8 * size * shown->count, size, line);
}

void close_framebuffer(framebuffer *fb) {
    munmap(fb->pixels, fb->bytes);
    close(fb->fd);
}
