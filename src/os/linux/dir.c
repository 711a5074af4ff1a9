/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and directories. */
#include "base/log.h"
#include "os/file.h"
#include "os/linux/linux_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static enum od_err fail(const char *call, const char *path, int e)
{
    od_log(OD_LOG_ERROR, "os", "%s of %s: %s", call, path, od_errno_name(e));
    return od_errno_to_err(e);
}

void od_path_absolute(const char *path, char *out)
{
    if (!realpath(path, out))
        snprintf(out, OD_PATH_MAX, "%s", path);
}

enum od_err od_path_rename(const char *from, const char *to)
{
    return rename(from, to) == 0 ? OD_NONE : fail("rename", from, errno);
}

enum od_err od_path_remove(const char *path)
{
    if (remove(path) == 0)
        return OD_NONE;
    return errno == ENOENT ? OD_E_NOT_FOUND : fail("remove", path, errno);
}

enum od_err od_path_modified_ms(const char *path, int64_t *ms)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return errno == ENOENT ? OD_E_NOT_FOUND : fail("stat", path, errno);
    *ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    return OD_NONE;
}

static enum od_err make_one(const char *path)
{
    struct stat st;

    if (mkdir(path, 0755) == 0)
        return OD_NONE;
    if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return OD_NONE;
    return fail("mkdir", path, errno);
}

enum od_err od_dir_make(const char *path)
{
    char prefix[OD_PATH_MAX];
    enum od_err err = OD_NONE;
    struct stat st;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return OD_NONE;
    if (strlen(path) >= sizeof(prefix))
        return fail("mkdir", path, ENAMETOOLONG);
    for (size_t i = 0; path[i] && !err; i++) {
        prefix[i] = path[i];
        if (path[i + 1] == '/' && path[i] != '/') {
            prefix[i + 1] = '\0';
            err = make_one(prefix);
        }
    }
    return err ? err : make_one(path);
}

static enum od_err open_dir(const char *path, int *fd)
{
    do {
        *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } while (*fd < 0 && errno == EINTR);
    return *fd >= 0 ? OD_NONE : fail("open", path, errno);
}

enum od_err od_dir_sync(const char *path)
{
    int fd;
    enum od_err err = open_dir(path, &fd);

    if (err)
        return err;
    if (fsync(fd) < 0)
        err = fail("fsync", path, errno);
    close(fd);
    return err;
}

static bool is_dir(DIR *dir, const struct dirent *entry)
{
    struct stat st;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(st.st_mode);
}

enum od_err od_dir_list(const char *path,
                        enum od_err (*each)(void *arg, const char *name, bool is_dir), void *arg)
{
    DIR *dir = opendir(path);
    enum od_err err = OD_NONE;

    if (!dir)
        return fail("open", path, errno);
    while (!err) {
        struct dirent *entry;

        errno = 0;
        entry = readdir(dir);
        if (!entry) {
            if (errno)
                err = fail("listing", path, errno);
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            err = each(arg, entry->d_name, is_dir(dir, entry));
    }
    closedir(dir);
    return err;
}

enum od_err od_dir_lock(const char *path, struct od_file **out)
{
    /* Apache Kafka locks the same file with fcntl, so the two exclude each other; bound to the
     * open file, not to the process, so that two nodes in one process exclude each other too. */
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char lock_path[OD_PATH_MAX];
    enum od_err err;
    int e;

    if (snprintf(lock_path, sizeof(lock_path), "%s/.lock", path) >= (int)sizeof(lock_path))
        return fail("lock", path, ENAMETOOLONG);
    err = od_file_open(lock_path, OD_FILE_WRITE | OD_FILE_CREATE, out);
    if (err)
        return err;
    if (fcntl((*out)->fd, F_OFD_SETLK, &whole) == 0)
        return OD_NONE;
    e = errno;
    od_file_close(*out);
    *out = NULL;
    if (e != EAGAIN && e != EACCES)
        return fail("lock", path, e);
    od_log(OD_LOG_ERROR, "os", "%s is in use by another process", path);
    return OD_E_BUSY;
}

enum od_err od_dir_space(const char *path, int64_t *free_bytes, int64_t *total_bytes)
{
    struct statvfs st;
    int rc;

    do {
        rc = statvfs(path, &st);
    } while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return fail("statvfs", path, errno);
    *free_bytes = (int64_t)(st.f_bavail * st.f_frsize);
    *total_bytes = (int64_t)(st.f_blocks * st.f_frsize);
    return OD_NONE;
}
