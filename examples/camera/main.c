/* SPDX-License-Identifier: 0BSD */
/* Classifies what a camera sees. Exit codes: 0, 1 for pictures that cannot be had or shown, 2 for
 * a wrong command line. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "labels.h"
#include "network.h"
#include "options.h"
#include "source.h"
#include "view.h"

static volatile sig_atomic_t stop;

static void on_signal(int number) {
    (void)number;
    stop = 1;
}

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static source *open_source(const options *o) {
    struct stat about;
    if (o->file_count == 0) {
        return open_pattern(o->width, o->height);
    }
    if (o->file_count == 1 && stat(o->files[0], &about) == 0 && S_ISCHR(about.st_mode)) {
        return open_device(o->files[0], o->width, o->height);
    }
    return open_files(o->files, o->file_count);
}

static int fail(const char *message) {
    fprintf(stderr, "camera: %s\n", message);
    return 1;
}

/* Pictures, one after the other; the exit code. */
static int watch(const options *o, source *from, char **labels, framebuffer *screen) {
    const int top = o->top < network_classes() ? o->top : network_classes();
    const int lines = o->plain || !isatty(STDOUT_FILENO);
    candidate *best = malloc((size_t)top * sizeof *best);
    double in_network = 0;
    const double begin = now_ms();
    int count = 0;
    image picture;
    if (best == NULL) {
        abort();
    }
    while (!stop && (o->frames == 0 || count < o->frames) && from->next(from, &picture)) {
        const double start = now_ms();
        if (!network_classify(&picture, &o->format, best, top)) {
            free(best);
            return fail("the network does not run");
        }
        const double end = now_ms();
        in_network += end - start;
        count++;
        const result shown = {from->name, best, top, labels, 1e3 * count / (end - begin),
                              end - start};
        if (screen != NULL) {
            draw_framebuffer(screen, &picture, &shown);
        } else if (lines) {
            print_line(&shown);
        } else {
            draw_terminal(&picture, &shown);
        }
    }
    free(best);
    if (count > 0) {
        fprintf(stderr, "%d pictures, %.1f a second, network %.2f ms\n", count,
                1e3 * count / (now_ms() - begin), in_network / count);
    }
    return from->failed;
}

int main(int argc, char **argv) {
    options o;
    framebuffer screen;
    char **labels = NULL;
    memset(&o, 0, sizeof o);
    const char *wrong = network_format(&o.format);
    if (wrong == NULL) {
        wrong = network_open();
    }
    if (wrong != NULL) {
        return fail(wrong);
    }
    read_options(&o, argc, argv);
    if (o.labels != NULL && (labels = read_labels(o.labels, network_classes())) == NULL) {
        return 1;
    }
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal; /* without SA_RESTART: waiting for a picture ends too */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);

    int code = 1;
    source *from = open_source(&o);
    if (from != NULL) {
        if (o.framebuffer == NULL) {
            code = watch(&o, from, labels, NULL);
        } else if (open_framebuffer(&screen, o.framebuffer, o.framebuffer_width,
                                    o.framebuffer_height)) {
            code = watch(&o, from, labels, &screen);
            close_framebuffer(&screen);
        }
        from->close(from);
    }
    free_labels(labels);
    return code;
}
