/* SPDX-License-Identifier: Apache-2.0 */
/* The segments of a log and when their files last changed. */
#include "base/mem.h"
#include "os/file.h"
#include "storage/plog_internal.h"

void od_plog_list(const struct od_plog *p, struct od_plog_listing *out)
{
    const struct od_segment *last = od_plog_active(p);

    *out = (struct od_plog_listing){ .dir = od_plog_dir_ref(p->dir),
                                     .start_offset = p->start_offset,
                                     .end_offset = p->end_offset,
                                     .has_bytes = last && last->size > 0,
                                     .n = p->n_segments ? p->n_segments : 1 };
    out->segments = od_alloc((size_t)out->n * sizeof(*out->segments));
    out->segments[0] = (struct od_plog_listed){ p->end_offset, -1 };
    for (int i = 0; i < p->n_segments; i++)
        out->segments[i] = (struct od_plog_listed){ p->segments[i]->base_offset, -1 };
}

enum od_err od_plog_listing_run(struct od_plog_listing *l)
{
    enum od_err err = OD_NONE;

    for (int i = 0; i < l->n && !err; i++) {
        char path[OD_PATH_MAX];

        snprintf(path, sizeof(path), "%s/%020lld.log", l->dir->path,
                 (long long)l->segments[i].base_offset);
        l->segments[i].modified_ms = -1;
        err = od_path_modified_ms(path, &l->segments[i].modified_ms);
        if (err == OD_E_NOT_FOUND && l->n == 1 && !l->has_bytes) /* made by the first append */
            err = od_path_modified_ms(l->dir->path, &l->segments[i].modified_ms);
        if (err == OD_E_NOT_FOUND)
            err = OD_NONE;
    }
    return err;
}

void od_plog_listing_release(struct od_plog_listing *l)
{
    od_plog_dir_unref(l->dir);
    od_free(l->segments);
    *l = (struct od_plog_listing){ 0 };
}
