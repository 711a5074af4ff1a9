/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The n-th call that changes a file fails: once, for ever (which is a crash between any two steps),
 * or for want of room after half a write.  Linked with WRAP_FILES of the Makefile.
 */
#pragma once

#include "fixture.h"

enum kind { ONCE, FOR_EVER, FULL_ONCE, FULL_FOR_EVER, KINDS };

static struct {
    enum kind kind;
    int calls;
    int fail_at; /* 0: never */
    const char *no_room_for; /* files named so cannot be made: the disk is full; NULL: none */
    bool failed;
    bool open; /* parents of a new directory may fail to sync: they may be another's */
    bool sync_failed;
    int syncs_after;
} fault;

enum od_err __real_od_file_open(const char *name, unsigned flags, struct od_file **out);
enum od_err __wrap_od_file_open(const char *name, unsigned flags, struct od_file **out);
enum od_err __real_od_file_write(struct od_file *f, const struct od_span *spans, int n,
                                 int64_t pos, size_t *put);
enum od_err __wrap_od_file_write(struct od_file *f, const struct od_span *spans, int n,
                                 int64_t pos, size_t *put);
enum od_err __wrap_od_file_sync(struct od_file *f);
enum od_err __wrap_od_dir_sync(const char *name);
enum od_err __real_od_file_truncate(struct od_file *f, int64_t len);
enum od_err __wrap_od_file_truncate(struct od_file *f, int64_t len);
enum od_err __real_od_path_rename(const char *from, const char *to);
enum od_err __wrap_od_path_rename(const char *from, const char *to);
enum od_err __real_od_path_remove(const char *name);
enum od_err __wrap_od_path_remove(const char *name);

/* Whether this call fails, and how. */
static enum od_err next_call(void)
{
    bool for_ever = fault.kind == FOR_EVER || fault.kind == FULL_FOR_EVER;
    bool full = fault.kind == FULL_ONCE || fault.kind == FULL_FOR_EVER;

    fault.calls++;
    if (!fault.fail_at || fault.calls < fault.fail_at || (!for_ever && fault.failed))
        return OD_NONE;
    fault.failed = true;
    return full ? OD_E_NO_SPACE : OD_E_IO;
}

enum od_err __wrap_od_file_open(const char *name, unsigned flags, struct od_file **out)
{
    enum od_err err = flags & OD_FILE_CREATE ? next_call() : OD_NONE;

    if (flags & OD_FILE_CREATE && fault.no_room_for && strstr(name, fault.no_room_for))
        err = OD_E_NO_SPACE;
    return err ? err : __real_od_file_open(name, flags, out);
}

enum od_err __wrap_od_file_write(struct od_file *f, const struct od_span *spans, int n,
                                 int64_t pos, size_t *put)
{
    enum od_err err = next_call();
    struct od_span half = { spans[0].data, spans[0].len / 2 };

    *put = 0;
    if (!err)
        return __real_od_file_write(f, spans, n, pos, put);
    if (fault.kind != FOR_EVER && half.len)
        CHECK_OK(__real_od_file_write(f, &half, 1, pos, put));
    return err;
}

static enum od_err sync_call(void)
{
    enum od_err err = next_call();

    fault.syncs_after += fault.sync_failed;
    fault.sync_failed |= err && fault.open;
    return err;
}

enum od_err __wrap_od_file_sync(struct od_file *f)
{
    (void)f;
    return sync_call();
}

enum od_err __wrap_od_dir_sync(const char *name)
{
    (void)name;
    return sync_call();
}

enum od_err __wrap_od_file_truncate(struct od_file *f, int64_t len)
{
    enum od_err err = next_call();

    return err ? err : __real_od_file_truncate(f, len);
}

enum od_err __wrap_od_path_rename(const char *from, const char *to)
{
    enum od_err err = next_call();

    return err ? err : __real_od_path_rename(from, to);
}

enum od_err __wrap_od_path_remove(const char *name)
{
    enum od_err err = next_call();

    return err ? err : __real_od_path_remove(name);
}
