/* SPDX-License-Identifier: 0BSD */
/* Video4Linux2, https://docs.kernel.org/userspace-api/media/v4l/v4l2.html */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BUFFERS = 4, TIMEOUT_MS = 5000 };

typedef struct {
    source base;
    int fd, streaming;
    uint32_t pixels; /* V4L2_PIX_FMT_ */
    size_t pitch;    /* bytes from one row to the next */
    image picture;
    int mapped;
    struct {
        void *start;
        size_t length;
    } buffers[BUFFERS];
} device;

static int ask(int fd, unsigned long request, void *argument) {
    int done;
    do {
        done = ioctl(fd, request, argument);
    } while (done < 0 && errno == EINTR);
    return done;
}

static struct v4l2_buffer buffer_of(uint32_t index) {
    struct v4l2_buffer b;
    memset(&b, 0, sizeof b);
    b.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    b.memory = V4L2_MEMORY_MMAP;
    b.index = index;
    return b;
}

static void convert(device *d, const uint8_t *bytes) {
    const size_t w = (size_t)d->picture.width;
    if (d->pixels == V4L2_PIX_FMT_YUYV) {
        rgb_from_yuyv(bytes, d->pitch, &d->picture);
        return;
    }
    for (int y = 0; y < d->picture.height; y++) {
        const uint8_t *from = bytes + (size_t)y * d->pitch;
        uint8_t *to = d->picture.rgb + 3 * (size_t)y * w;
        if (d->pixels == V4L2_PIX_FMT_RGB24) {
            memcpy(to, from, 3 * w);
        } else { /* V4L2_PIX_FMT_GREY */
            for (size_t x = 0; x < w; x++) {
                to[3 * x] = to[3 * x + 1] = to[3 * x + 2] = from[x];
            }
        }
    }
}

static int give_up(device *d, const char *what) {
    fprintf(stderr, "%s: %s: %s\n", d->base.name, what, strerror(errno));
    d->base.failed = 1;
    return 0;
}

/* The newest picture: those that waited while the network ran are given back unseen. */
static int next(source *self, image *picture) {
    device *d = (device *)self;
    struct v4l2_buffer newest = buffer_of(0);
    int have = 0;
    for (;;) {
        struct pollfd ready = {d->fd, POLLIN, 0};
        const int found = poll(&ready, 1, have ? 0 : TIMEOUT_MS);
        if (found < 0 && errno == EINTR) {
            return 0; /* somebody wants us to stop */
        }
        if (found == 0) {
            if (have) {
                break;
            }
            errno = ETIMEDOUT;
            return give_up(d, "no picture");
        }
        struct v4l2_buffer filled = buffer_of(0);
        if (found < 0 || ask(d->fd, VIDIOC_DQBUF, &filled) < 0) {
            return give_up(d, "no picture");
        }
        if (have && ask(d->fd, VIDIOC_QBUF, &newest) < 0) {
            return give_up(d, "the queue of pictures");
        }
        newest = filled;
        have = 1;
    }
    convert(d, d->buffers[newest.index].start);
    *picture = d->picture;
    return ask(d->fd, VIDIOC_QBUF, &newest) < 0 ? give_up(d, "the queue of pictures") : 1;
}

static void finish(source *self) {
    device *d = (device *)self;
    int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    if (d->streaming) {
        ask(d->fd, VIDIOC_STREAMOFF, &type);
    }
    for (int i = 0; i < d->mapped; i++) {
        munmap(d->buffers[i].start, d->buffers[i].length);
    }
    if (d->fd >= 0) {
        close(d->fd);
    }
    free(d->picture.rgb);
    free(d);
}

/* Agree on size and form of the pictures. */
static int choose_format(device *d, int width, int height) {
    struct v4l2_format f;
    memset(&f, 0, sizeof f);
    f.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    f.fmt.pix.width = (uint32_t)width;
    f.fmt.pix.height = (uint32_t)height;
    f.fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
    f.fmt.pix.field = V4L2_FIELD_NONE;
    if (ask(d->fd, VIDIOC_S_FMT, &f) < 0) {
        return give_up(d, "no camera, or it is in use");
    }
    d->pixels = f.fmt.pix.pixelformat;
    d->pitch = f.fmt.pix.bytesperline;
    d->picture.width = (int)f.fmt.pix.width;
    d->picture.height = (int)f.fmt.pix.height;
    const size_t each = d->pixels == V4L2_PIX_FMT_YUYV    ? 2
                        : d->pixels == V4L2_PIX_FMT_RGB24 ? 3
                        : d->pixels == V4L2_PIX_FMT_GREY  ? 1
                                                          : 0;
    if (each == 0) {
        fprintf(stderr, "%s: gives %.4s; only YUYV, RGB24 and GREY are read\n", d->base.name,
                (const char *)&d->pixels);
        return 0;
    }
    const size_t row = each * f.fmt.pix.width;
    if (d->picture.width < 1 || d->picture.width > LARGEST_SIDE || d->picture.height < 1 ||
        d->picture.height > LARGEST_SIDE || d->pitch < row || (each == 2 && d->picture.width % 2)) {
        fprintf(stderr, "%s: a size that cannot be\n", d->base.name);
        return 0;
    }
    d->picture.rgb = malloc(3 * f.fmt.pix.width * (size_t)f.fmt.pix.height);
    if (d->picture.rgb == NULL) {
        abort();
    }
    return 1;
}

static int map_buffers(device *d) {
    struct v4l2_requestbuffers request;
    memset(&request, 0, sizeof request);
    request.count = BUFFERS;
    request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    request.memory = V4L2_MEMORY_MMAP;
    if (ask(d->fd, VIDIOC_REQBUFS, &request) < 0 || request.count < 1) {
        return give_up(d, "no buffers");
    }
    for (uint32_t i = 0; i < request.count && i < BUFFERS; i++) {
        struct v4l2_buffer b = buffer_of(i);
        if (ask(d->fd, VIDIOC_QUERYBUF, &b) < 0) {
            return give_up(d, "no buffer");
        }
        void *start =
            mmap(NULL, b.length, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd, (off_t)b.m.offset);
        if (start == MAP_FAILED || b.length < d->pitch * (size_t)d->picture.height) {
            return give_up(d, "no buffer");
        }
        d->buffers[i].start = start;
        d->buffers[i].length = b.length;
        d->mapped++;
        if (ask(d->fd, VIDIOC_QBUF, &b) < 0) {
            return give_up(d, "no buffer");
        }
    }
    int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    d->streaming = ask(d->fd, VIDIOC_STREAMON, &type) >= 0;
    return d->streaming ? 1 : give_up(d, "cannot start");
}

source *open_device(const char *path, int width, int height) {
    device *d = calloc(1, sizeof *d);
    if (d == NULL) {
        abort();
    }
    d->base.next = next;
    d->base.close = finish;
    d->base.name = path;
    d->fd = open(path, O_RDWR);
    if (d->fd < 0) {
        give_up(d, "cannot be opened");
    }
    if (d->fd < 0 || !choose_format(d, width, height) || !map_buffers(d)) {
        finish(&d->base);
        return NULL;
    }
    return &d->base;
}
