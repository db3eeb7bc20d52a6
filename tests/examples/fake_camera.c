/* SPDX-License-Identifier: 0BSD */
/* A camera for tests: linked with -Wl,--wrap for each of these calls. It streams the pictures in
 * the file that FAKE_CAMERA names, each of FAKE_BYTES bytes, and then says that it was unplugged.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOTS = 4, FD = 1000, LARGEST = 1 << 16 };

static uint8_t slots[SLOTS][LARGEST];
static int queue[SLOTS], queued, streaming;
static FILE *film;

static uint32_t env(const char *name) { return (uint32_t)atoi(getenv(name)); }

int __wrap_stat(const char *path, struct stat *about);
int __wrap_open(const char *path, int flags, ...);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_ioctl(int fd, unsigned long request, ...);
void *__wrap_mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void *at, size_t length);
int __wrap_close(int fd);

int __wrap_stat(const char *path, struct stat *about) {
    (void)path;
    about->st_mode = S_IFCHR;
    return 0;
}

int __wrap_open(const char *path, int flags, ...) {
    (void)flags;
    film = fopen(getenv("FAKE_CAMERA"), "rb");
    return strcmp(path, "/dev/video0") == 0 && film != NULL ? FD : -1;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout) {
    (void)fds;
    (void)count;
    return timeout != 0; /* one picture at a time is ready */
}

int __wrap_ioctl(int fd, unsigned long request, ...) {
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    struct v4l2_buffer *b = argument;
    if (fd != FD) {
        errno = EBADF;
        return -1;
    }
    switch (request) {
    case VIDIOC_S_FMT: {
        struct v4l2_format *f = argument;
        f->fmt.pix.width = env("FAKE_WIDTH");
        f->fmt.pix.height = env("FAKE_HEIGHT");
        f->fmt.pix.bytesperline = env("FAKE_PITCH");
        f->fmt.pix.pixelformat = env("FAKE_FORMAT");
        return 0;
    }
    case VIDIOC_REQBUFS:
        ((struct v4l2_requestbuffers *)argument)->count = SLOTS;
        return 0;
    case VIDIOC_QUERYBUF:
        b->length = LARGEST;
        b->m.offset = b->index * LARGEST;
        return 0;
    case VIDIOC_QBUF:
        queue[queued++] = (int)b->index;
        return 0;
    case VIDIOC_STREAMON:
        streaming = 1;
        return 0;
    case VIDIOC_STREAMOFF:
        streaming = 0;
        return 0;
    case VIDIOC_DQBUF:
        if (!streaming || queued == 0 || fread(slots[queue[0]], env("FAKE_BYTES"), 1, film) != 1) {
            errno = ENODEV;
            return -1;
        }
        b->index = (uint32_t)queue[0];
        memmove(queue, queue + 1, sizeof queue - sizeof *queue);
        queued--;
        return 0;
    default:
        errno = ENOTTY;
        return -1;
    }
}

void *__wrap_mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    (void)at;
    (void)length;
    (void)protection;
    (void)flags;
    (void)fd;
    return slots[offset / LARGEST];
}

int __wrap_munmap(void *at, size_t length) {
    (void)at;
    (void)length;
    return 0;
}

int __wrap_close(int fd) { return fd == FD && !streaming ? fclose(film) : -1; }
