/* Records every change that a process makes to the files below one directory, in the order in which they happen.
 *
 * Preloaded into a child of the power-cut test. One lock is held over each call and the record of it, so that the order
 * of the records is the order of the calls. A record is a head, up to two paths (relative to the directory) and data:
 * see `tests/it/power/trace.rs`, which reads them. What the child writes to its standard output is recorded as a mark.
 *
 * fds are kept with the inode they were opened on: one that was closed or reused behind our back is seen by that.
 * Memory-mapped writes, copy_file_range and raw system calls are not seen; the test replays the whole record and
 * compares it with the directory, so that none of them goes unnoticed. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind {
    OPEN = 1, CLOSE, DUP, WRITE, TRUNCATE, EXTEND, SYNC, RENAME, UNLINK, RMDIR, MKDIR, LINK, EXCHANGE, MARK
};

struct head {
    uint32_t kind;
    int32_t fd;
    /* Of OPEN its flags, of DUP the new fd. */
    int32_t other;
    uint32_t path_bytes, path2_bytes, data_bytes;
    /* Of WRITE where, of TRUNCATE and EXTEND the length. */
    uint64_t offset;
};

#define FDS_MAX 4096
static struct { int known; dev_t dev; ino_t ino; } fds[FDS_MAX];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_bytes;
static int trace = -1;

static void fail(const char *what) {
    char text[256];
    int n = snprintf(text, sizeof text, "recorder: %s\n", what);
    syscall(SYS_write, 2, text, (size_t)n);
    _exit(97);
}

__attribute__((constructor)) static void begin(void) {
    const char *dir = getenv("WHEELHOUSE_POWER_ROOT"), *file = getenv("WHEELHOUSE_POWER_TRACE_OUT");
    if (!dir || !file || !realpath(dir, root)) return;
    root_bytes = strlen(root);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) fail("cannot make the trace");
    /* Out of the way of the numbers that the program gets. */
    trace = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 900);
    syscall(SYS_close, fd);
    if (trace < 0) fail("cannot keep the trace");
}

static void put(const void *bytes, size_t len) {
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = syscall(SYS_write, trace, at, len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) fail("cannot write the trace");
        at += n;
        len -= (size_t)n;
    }
}

static void record(enum kind kind, int fd, int other, uint64_t offset, const char *path, const char *path2,
                   const void *data, size_t data_bytes) {
    struct head head = { kind, fd, other, path ? (uint32_t)strlen(path) : 0, path2 ? (uint32_t)strlen(path2) : 0,
                         (uint32_t)data_bytes, offset };
    put(&head, sizeof head);
    put(path, head.path_bytes);
    put(path2, head.path2_bytes);
    put(data, data_bytes);
}

static void enter(void) { pthread_mutex_lock(&lock); }

static void leave(int error) {
    pthread_mutex_unlock(&lock);
    errno = error;
}

/* The path relative to the root, in `out`, or NULL where it is not below it. The last part need not exist. */
static const char *below(int dirfd, const char *path, char out[PATH_MAX]) {
    char whole[2 * PATH_MAX + 2], dir[PATH_MAX], link[64];
    if (trace < 0 || !path || !*path) return NULL;
    if (path[0] == '/') {
        snprintf(whole, sizeof whole, "%s", path);
    } else {
        if (dirfd == AT_FDCWD) {
            if (!getcwd(dir, sizeof dir)) return NULL;
        } else {
            snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd);
            ssize_t n = readlink(link, dir, sizeof dir - 1);
            if (n <= 0) return NULL;
            dir[n] = 0;
        }
        snprintf(whole, sizeof whole, "%s/%s", dir, path);
    }
    /* `//`, `/.` and a slash at the end say nothing. `..` is not used below the root. */
    char *to = whole;
    for (const char *from = whole; *from;) {
        if (from[0] == '/' && (from[1] == '/' || from[1] == 0)) from++;
        else if (from[0] == '/' && from[1] == '.' && (from[2] == '/' || from[2] == 0)) from += 2;
        else *to++ = *from++;
    }
    *to = 0;
    if (strncmp(whole, root, root_bytes) != 0) return NULL;
    if (whole[root_bytes] == 0) return strcpy(out, ".");
    if (whole[root_bytes] != '/') return NULL;
    return strcpy(out, whole + root_bytes + 1);
}

static void learn(int fd) {
    struct stat stat;
    if (fd < 0) return;
    if (fd >= FDS_MAX) fail("too many files");
    fds[fd].known = fstat(fd, &stat) == 0;
    fds[fd].dev = stat.st_dev;
    fds[fd].ino = stat.st_ino;
}

static void forget(int fd) {
    if (fd >= 0 && fd < FDS_MAX) fds[fd].known = 0;
}

static int known(int fd) {
    struct stat stat;
    if (trace < 0 || fd < 0 || fd >= FDS_MAX || !fds[fd].known) return 0;
    if (fstat(fd, &stat) == 0 && stat.st_dev == fds[fd].dev && stat.st_ino == fds[fd].ino) return 1;
    fds[fd].known = 0;
    return 0;
}

#define REAL(name) ({ static typeof(&name) real; if (!real) real = (typeof(&name))dlsym(RTLD_NEXT, #name); real; })

/* --- names ------------------------------------------------------------------------------------------------------- */

static void opened(int fd, int dirfd, const char *path, int flags) {
    char out[PATH_MAX];
    if (fd < 0) return;
    const char *name = below(dirfd, path, out);
    if (!name) return forget(fd);
    record(OPEN, fd, flags, 0, name, NULL, NULL, 0);
    learn(fd);
}

#define OPENS(name, dir, ...)                                         \
    mode_t mode = 0;                                                  \
    if (flags & (O_CREAT | __O_TMPFILE)) {                            \
        va_list rest;                                                 \
        va_start(rest, flags);                                        \
        mode = va_arg(rest, mode_t);                                  \
        va_end(rest);                                                 \
    }                                                                 \
    enter();                                                          \
    int fd = REAL(name)(__VA_ARGS__, flags, mode), error = errno;     \
    opened(fd, dir, path, flags);                                     \
    leave(error);                                                     \
    return fd;

int open(const char *path, int flags, ...) { OPENS(open, AT_FDCWD, path) }
int open64(const char *path, int flags, ...) { OPENS(open64, AT_FDCWD, path) }
int openat(int dirfd, const char *path, int flags, ...) { OPENS(openat, dirfd, dirfd, path) }
int openat64(int dirfd, const char *path, int flags, ...) { OPENS(openat64, dirfd, dirfd, path) }

int creat(const char *path, mode_t mode) { return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return open64(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

/* A change of one name: the call, and where it went well its record. */
#define NAMED(name, kind, dir, ...)                                   \
    char out[PATH_MAX];                                               \
    enter();                                                          \
    int done = REAL(name)(__VA_ARGS__), error = errno;                \
    const char *at = done == 0 ? below(dir, path, out) : NULL;        \
    if (at) record(kind, -1, 0, 0, at, NULL, NULL, 0);                \
    leave(error);                                                     \
    return done;

int unlink(const char *path) { NAMED(unlink, UNLINK, AT_FDCWD, path) }
int rmdir(const char *path) { NAMED(rmdir, RMDIR, AT_FDCWD, path) }
int mkdir(const char *path, mode_t mode) { NAMED(mkdir, MKDIR, AT_FDCWD, path, mode) }
int mkdirat(int dirfd, const char *path, mode_t mode) { NAMED(mkdirat, MKDIR, dirfd, dirfd, path, mode) }
int unlinkat(int dirfd, const char *path, int flags) {
    NAMED(unlinkat, flags & AT_REMOVEDIR ? RMDIR : UNLINK, dirfd, dirfd, path, flags)
}
int remove(const char *path) {
    struct stat stat;
    return lstat(path, &stat) == 0 && S_ISDIR(stat.st_mode) ? rmdir(path) : unlink(path);
}

/* A change of two names. One that crosses the border of the root is not ours to follow. */
#define TWICE(name, kind, dir, dir2, ...)                                              \
    char out[PATH_MAX], out2[PATH_MAX];                                                \
    enter();                                                                           \
    const char *at = below(dir, path, out), *at2 = below(dir2, path2, out2);           \
    if (!at != !at2) fail("a name crosses the border of the root");                    \
    int done = REAL(name)(__VA_ARGS__), error = errno;                                 \
    if (done == 0 && at) record(kind, -1, 0, 0, at, at2, NULL, 0);                     \
    leave(error);                                                                      \
    return done;

int rename(const char *path, const char *path2) { TWICE(rename, RENAME, AT_FDCWD, AT_FDCWD, path, path2) }
int renameat(int dirfd, const char *path, int dirfd2, const char *path2) {
    TWICE(renameat, RENAME, dirfd, dirfd2, dirfd, path, dirfd2, path2)
}
int renameat2(int dirfd, const char *path, int dirfd2, const char *path2, unsigned flags) {
    TWICE(renameat2, flags & RENAME_EXCHANGE ? EXCHANGE : RENAME, dirfd, dirfd2, dirfd, path, dirfd2, path2, flags)
}
int link(const char *path, const char *path2) { TWICE(link, LINK, AT_FDCWD, AT_FDCWD, path, path2) }
int linkat(int dirfd, const char *path, int dirfd2, const char *path2, int flags) {
    TWICE(linkat, LINK, dirfd, dirfd2, dirfd, path, dirfd2, path2, flags)
}

/* --- fds --------------------------------------------------------------------------------------------------------- */

int close(int fd) {
    enter();
    if (known(fd)) record(CLOSE, fd, 0, 0, NULL, NULL, NULL, 0);
    forget(fd);
    int done = REAL(close)(fd), error = errno;
    leave(error);
    return done;
}

int closedir(DIR *dir) {
    enter();
    forget(dirfd(dir));
    int done = REAL(closedir)(dir), error = errno;
    leave(error);
    return done;
}

static int duplicated(int fd, int copy) {
    int error = errno;
    if (copy >= 0 && copy != fd) {
        if (known(fd)) {
            record(DUP, fd, copy, 0, NULL, NULL, NULL, 0);
            learn(copy);
        } else {
            forget(copy);
        }
    }
    leave(error);
    return copy;
}

int dup(int fd) { enter(); return duplicated(fd, REAL(dup)(fd)); }
int dup2(int fd, int copy) { enter(); return duplicated(fd, REAL(dup2)(fd, copy)); }
int dup3(int fd, int copy, int flags) { enter(); return duplicated(fd, REAL(dup3)(fd, copy, flags)); }

/* Not under the lock where it may wait: a lock on a file. */
#define CONTROLS(name)                                                     \
    va_list rest;                                                          \
    va_start(rest, command);                                               \
    void *argument = va_arg(rest, void *);                                 \
    va_end(rest);                                                          \
    if (command != F_DUPFD && command != F_DUPFD_CLOEXEC) return REAL(name)(fd, command, argument); \
    enter();                                                               \
    return duplicated(fd, REAL(name)(fd, command, argument));

int fcntl(int fd, int command, ...) { CONTROLS(fcntl) }
int fcntl64(int fd, int command, ...) { CONTROLS(fcntl64) }

/* --- content ----------------------------------------------------------------------------------------------------- */

static ssize_t wrote(int fd, const struct iovec *parts, int count, int64_t offset, ssize_t done, int error) {
    uint64_t at = 0;
    int mark = fd == STDOUT_FILENO && trace >= 0;
    if (done > 0 && (mark || known(fd))) {
        if (!mark) at = offset >= 0 ? (uint64_t)offset : (uint64_t)(lseek(fd, 0, SEEK_CUR) - done);
        size_t left = (size_t)done;
        struct head head = { mark ? MARK : WRITE, fd, 0, 0, 0, (uint32_t)done, at };
        put(&head, sizeof head);
        for (int i = 0; i < count && left > 0; i++) {
            size_t some = parts[i].iov_len < left ? parts[i].iov_len : left;
            put(parts[i].iov_base, some);
            left -= some;
        }
    }
    leave(error);
    return done;
}

/* What goes elsewhere, to a pipe or a socket, may wait for its reader and must not hold the lock meanwhile. */
static int elsewhere(int fd) {
    return trace < 0 || fd < 0 || (fd != STDOUT_FILENO && (fd >= FDS_MAX || !fds[fd].known));
}

#define WRITES(name, parts, count, offset, ...)                                       \
    if (elsewhere(fd)) return REAL(name)(__VA_ARGS__);                                \
    enter();                                                                          \
    ssize_t done = REAL(name)(__VA_ARGS__);                                           \
    return wrote(fd, parts, count, offset, done, errno);

#define ONE (&(struct iovec){ (void *)bytes, len })

ssize_t write(int fd, const void *bytes, size_t len) { WRITES(write, ONE, 1, -1, fd, bytes, len) }
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at) { WRITES(pwrite, ONE, 1, at, fd, bytes, len, at) }
ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at) {
    WRITES(pwrite64, ONE, 1, at, fd, bytes, len, at)
}
ssize_t writev(int fd, const struct iovec *parts, int count) { WRITES(writev, parts, count, -1, fd, parts, count) }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    WRITES(pwritev, parts, count, at, fd, parts, count, at)
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
    WRITES(pwritev64, parts, count, at, fd, parts, count, at)
}
ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t at, int flags) {
    WRITES(pwritev2, parts, count, at, fd, parts, count, at, flags)
}
ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t at, int flags) {
    WRITES(pwritev64v2, parts, count, at, fd, parts, count, at, flags)
}

/* A change of a file's length, or of nothing but what is on disk. */
#define SHAPES(name, kind, length, ...)                                               \
    enter();                                                                          \
    int done = REAL(name)(__VA_ARGS__), error = errno;                                \
    if (done == 0 && known(fd)) record(kind, fd, 0, (uint64_t)(length), NULL, NULL, NULL, 0); \
    leave(error);                                                                     \
    return done;

int ftruncate(int fd, off_t len) { SHAPES(ftruncate, TRUNCATE, len, fd, len) }
int ftruncate64(int fd, off64_t len) { SHAPES(ftruncate64, TRUNCATE, len, fd, len) }
int posix_fallocate(int fd, off_t at, off_t len) { SHAPES(posix_fallocate, EXTEND, at + len, fd, at, len) }
int posix_fallocate64(int fd, off64_t at, off64_t len) { SHAPES(posix_fallocate64, EXTEND, at + len, fd, at, len) }
int fsync(int fd) { SHAPES(fsync, SYNC, 0, fd) }
int fdatasync(int fd) { SHAPES(fdatasync, SYNC, 0, fd) }

/* Keeping the length, holes and the like are not used; whoever begins to is told. */
static void plain(int fd, int mode) {
    if (mode != 0 && !elsewhere(fd)) fail("a fallocate that is not understood");
}
int fallocate(int fd, int mode, off_t at, off_t len) {
    plain(fd, mode);
    SHAPES(fallocate, EXTEND, at + len, fd, mode, at, len)
}
int fallocate64(int fd, int mode, off64_t at, off64_t len) {
    plain(fd, mode);
    SHAPES(fallocate64, EXTEND, at + len, fd, mode, at, len)
}

/* By path: as by an fd of its own. sync_file_range is no barrier, so it is not recorded at all. */
static int cut(const char *path, off64_t len) {
    int fd = open64(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    int done = ftruncate64(fd, len), error = errno;
    close(fd);
    errno = error;
    return done;
}
int truncate(const char *path, off_t len) { return cut(path, len); }
int truncate64(const char *path, off64_t len) { return cut(path, len); }
