/* SPDX-License-Identifier: 0BSD */
/* PPM and PGM, https://netpbm.sourceforge.net/doc/ppm.html */
#include "source.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    source base;
    char **paths;
    int count, at;
    uint8_t *rgb;
} files;

/* A number of the header, behind white space and comments; -1 if there is none. */
static int number(FILE *file) {
    int value = 0, digits = 0, c = getc(file);
    while (c == '#' || c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        if (c == '#') {
            while (c != '\n' && c != EOF) {
                c = getc(file);
            }
        } else {
            c = getc(file);
        }
    }
    for (; c >= '0' && c <= '9' && value <= LARGEST_SIDE; c = getc(file), digits++) {
        value = 10 * value + c - '0';
    }
    return digits > 0 ? value : -1; /* the one byte of white space behind it is read */
}

/* What is wrong with a file, or NULL. */
static const char *read_picture(files *f, FILE *file, image *picture) {
    const int magic = getc(file) == 'P' ? getc(file) : 0;
    if (magic != '5' && magic != '6') {
        return "is neither PPM (P6) nor PGM (P5)";
    }
    const int width = number(file), height = number(file), largest = number(file);
    if (width < 1 || height < 1 || width > LARGEST_SIDE || height > LARGEST_SIDE) {
        return "has a size that cannot be";
    }
    if (largest != 255) {
        return "has not 8 bits a colour";
    }
    const size_t pixels = (size_t)width * (size_t)height, bytes = magic == '6' ? 3 : 1;
    uint8_t *rgb = realloc(f->rgb, 3 * pixels);
    if (rgb == NULL) {
        return "does not fit in memory";
    }
    f->rgb = rgb;
    if (fread(rgb, bytes, pixels, file) != pixels) {
        return "ends early";
    }
    for (size_t i = pixels; bytes == 1 && i-- > 0;) { /* from behind: the grey ones are in place */
        rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = rgb[i];
    }
    const image found = {width, height, rgb};
    *picture = found;
    return NULL;
}

static int next(source *self, image *picture) {
    files *f = (files *)self;
    if (f->at == f->count) {
        return 0;
    }
    self->name = f->paths[f->at++];
    FILE *file = fopen(self->name, "rb");
    if (file == NULL) {
        perror(self->name);
        self->failed = 1;
        return 0;
    }
    const char *wrong = read_picture(f, file, picture);
    fclose(file);
    if (wrong != NULL) {
        fprintf(stderr, "%s %s\n", self->name, wrong);
        self->failed = 1;
    }
    return wrong == NULL;
}

static void finish(source *self) {
    free(((files *)self)->rgb);
    free(self);
}

source *open_files(char **paths, int count) {
    files *f = calloc(1, sizeof *f);
    if (f == NULL) {
        abort();
    }
    f->base.next = next;
    f->base.close = finish;
    f->paths = paths;
    f->count = count;
    return &f->base;
}
