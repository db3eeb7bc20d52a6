/* SPDX-License-Identifier: 0BSD */
#include <stdio.h>

#include "view.h"

enum { COLUMNS = 64 };

const char *label_of(const result *shown, int place, char *buffer) {
    const int index = shown->best[place].index;
    if (shown->labels != NULL) {
        return shown->labels[index];
    }
    snprintf(buffer, LABEL_BYTES, "class %d", index);
    return buffer;
}

void print_line(const result *shown) {
    char buffer[LABEL_BYTES];
    printf("%s:", shown->name);
    for (int i = 0; i < shown->count; i++) {
        printf("%s %s %.9g", i == 0 ? "" : ",", label_of(shown, i, buffer),
               (double)shown->best[i].score);
    }
    putchar('\n');
    fflush(stdout); /* for those who read along */
}

void draw_terminal(const image *picture, const result *shown) {
    char buffer[LABEL_BYTES];
    const int columns = picture->width < COLUMNS ? picture->width : COLUMNS;
    /* A character is about twice as tall as wide, and shows two pixels, one above the other. */
    const int rows = columns * picture->height / picture->width / 2;
    fputs("\033[H", stdout);
    for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++) {
            const int x = column * picture->width / columns;
            const uint8_t *half[2];
            for (int i = 0; i < 2; i++) {
                const int y = (2 * row + i) * picture->height / (2 * rows);
                half[i] = picture->rgb + 3 * ((size_t)y * (size_t)picture->width + (size_t)x);
            }
            printf("\033[38;2;%d;%d;%dm\033[48;2;%d;%d;%dm\xe2\x96\x80", half[0][0], half[0][1],
                   half[0][2], half[1][0], half[1][1], half[1][2]);
        }
        fputs("\033[0m\033[K\n", stdout);
    }
    for (int i = 0; i < shown->count; i++) {
        printf("%-24.24s %10.4g\033[K\n", label_of(shown, i, buffer), (double)shown->best[i].score);
    }
    printf("%.1f pictures a second, network %.2f ms\033[K\n\033[J", shown->rate, shown->network_ms);
    fflush(stdout);
}
