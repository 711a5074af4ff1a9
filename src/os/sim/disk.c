/* SPDX-License-Identifier: Apache-2.0 */
/* Inodes, names and what a crash leaves of them. */
#include "os/sim/disk.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/str.h"
#include "os/clock.h"

enum { SECTOR_BYTES = 512 };

/* --- content ----------------------------------------------------------------------------- */

static void content_resize(struct od_content *c, int64_t len)
{
    if (len > c->capacity) {
        c->capacity = len < 4096 ? 4096 : len + len / 2;
        c->data = od_realloc(c->data, (size_t)c->capacity);
    }
    if (len > c->len)
        memset(c->data + c->len, 0, (size_t)(len - c->len));
    c->len = len;
}

static void content_write(struct od_content *c, const uint8_t *data, size_t len, int64_t pos)
{
    if (pos + (int64_t)len > c->len)
        content_resize(c, pos + (int64_t)len);
    if (len > 0)
        memcpy(c->data + pos, data, len);
}

static void apply(struct od_content *c, const struct od_file_op *op)
{
    if (op->data)
        content_write(c, op->data, op->len, op->pos);
    else
        content_resize(c, op->pos);
}

static void add_op(struct od_inode *f, struct od_file_op op)
{
    f->modified_ms = od_clock_wall_ms();
    if (f->op_count == f->op_capacity) {
        f->op_capacity = f->op_capacity ? f->op_capacity * 2 : 8;
        f->ops = od_realloc(f->ops, (size_t)f->op_capacity * sizeof(*f->ops));
    }
    op.seq = ++f->op_seq;
    f->ops[f->op_count++] = op;
}

void od_inode_write(struct od_disk *d, struct od_inode *f, const void *data, size_t len,
                    int64_t pos)
{
    struct od_file_op op = { .data = od_alloc(len), .pos = pos, .len = len };

    if (len > 0)
        memcpy(op.data, data, len);
    if (pos + (int64_t)len > f->room) {
        d->used += pos + (int64_t)len - f->room;
        f->room = pos + (int64_t)len;
    }
    content_write(&f->live, data, len, pos);
    add_op(f, op);
}

void od_inode_truncate(struct od_disk *d, struct od_inode *f, int64_t len)
{
    d->used += len - f->room; /* what was preallocated beyond goes too */
    f->room = len;
    content_resize(&f->live, len);
    add_op(f, (struct od_file_op){ .pos = len });
}

bool od_inode_reserve(struct od_disk *d, struct od_inode *f, int64_t len)
{
    if (len <= f->room)
        return true;
    if (d->used + len - f->room > d->capacity)
        return false;
    d->used += len - f->room;
    f->room = len;
    return true;
}

static void drop_ops(struct od_inode *f, int count)
{
    for (int i = 0; i < count; i++)
        od_free(f->ops[i].data);
    f->op_count -= count;
    if (f->op_count > 0)
        memmove(f->ops, f->ops + count, (size_t)f->op_count * sizeof(*f->ops));
}

static int ops_up_to(const struct od_inode *f, uint64_t seq)
{
    int n = 0;

    while (n < f->op_count && f->ops[n].seq <= seq)
        n++;
    return n;
}

void od_inode_sync(struct od_inode *f, uint64_t up_to_seq)
{
    int n = ops_up_to(f, up_to_seq);

    for (int i = 0; i < n; i++)
        apply(&f->durable, &f->ops[i]);
    if (n > 0)
        drop_ops(f, n);
}

void od_inode_fail_sync(struct od_inode *f, uint64_t up_to_seq)
{
    int n = ops_up_to(f, up_to_seq);

    for (int i = 0; i < n; i++)
        if (od_rng_chance(&od_world.disk, 300000))
            apply(&f->durable, &f->ops[i]);
    if (n > 0)
        drop_ops(f, n);
}

/* --- names ------------------------------------------------------------------------------- */

static int entry_index(const struct od_entries *e, const char *name)
{
    for (int i = 0; i < e->count; i++)
        if (strcmp(e->v[i].name, name) == 0)
            return i;
    return -1;
}

static void entries_set(struct od_entries *e, const char *name, struct od_inode *inode)
{
    int i = entry_index(e, name);

    if (inode && i >= 0) {
        e->v[i].inode = inode;
    } else if (inode) {
        if (e->count == e->capacity) {
            e->capacity = e->capacity ? e->capacity * 2 : 8;
            e->v = od_realloc(e->v, (size_t)e->capacity * sizeof(*e->v));
        }
        e->v[e->count++] = (struct od_entry){ od_strdup(name), inode };
    } else if (i >= 0) {
        od_free(e->v[i].name);
        memmove(&e->v[i], &e->v[i + 1], (size_t)(e->count - i - 1) * sizeof(*e->v));
        e->count--;
    }
}

static void apply_name(struct od_name_op *op)
{
    if (op->from_dir)
        entries_set(&op->from_dir->durable_names, op->from_name, NULL);
    entries_set(&op->dir->durable_names, op->name, op->inode);
}

static void free_name(struct od_name_op *op)
{
    od_free(op->name);
    od_free(op->from_name);
}

static void add_name(struct od_disk *d, struct od_name_op op)
{
    if (d->name_count == d->name_capacity) {
        d->name_capacity = d->name_capacity ? d->name_capacity * 2 : 16;
        d->names = od_realloc(d->names, (size_t)d->name_capacity * sizeof(*d->names));
    }
    d->names[d->name_count++] = op;
}

static void unlink_live(struct od_disk *d, struct od_inode *dir, const char *name)
{
    struct od_inode *old = od_disk_lookup(dir, name);

    if (!old)
        return;
    if (--old->links == 0)
        d->used -= old->room;
    entries_set(&dir->names, name, NULL);
}

void od_disk_name(struct od_disk *d, struct od_inode *dir, const char *name,
                  struct od_inode *inode)
{
    unlink_live(d, dir, name);
    if (inode) {
        inode->links++;
        entries_set(&dir->names, name, inode);
    }
    add_name(d, (struct od_name_op){ .dir = dir, .name = od_strdup(name), .inode = inode });
}

void od_disk_rename(struct od_disk *d, struct od_inode *from_dir, const char *from,
                    struct od_inode *dir, const char *name)
{
    struct od_inode *inode = od_disk_lookup(from_dir, from);

    inode->links++; /* so that unlinking the old name does not give its space back */
    unlink_live(d, from_dir, from);
    unlink_live(d, dir, name);
    entries_set(&dir->names, name, inode);
    add_name(d, (struct od_name_op){ .dir = dir, .name = od_strdup(name), .inode = inode,
                                     .from_dir = from_dir, .from_name = od_strdup(from) });
}

void od_disk_sync_names(struct od_disk *d, struct od_inode *dir)
{
    int kept = 0, whole = 0;

    /* A rename between directories takes all that came before it along, which keeps the order. */
    for (int i = 0; i < d->name_count; i++) {
        const struct od_name_op *op = &d->names[i];

        if (op->from_dir && op->from_dir != op->dir && (op->dir == dir || op->from_dir == dir))
            whole = i + 1;
    }
    for (int i = 0; i < d->name_count; i++) {
        struct od_name_op *op = &d->names[i];

        if (i < whole || op->dir == dir) {
            apply_name(op);
            free_name(op);
        } else {
            d->names[kept++] = *op;
        }
    }
    d->name_count = kept;
}

struct od_inode *od_disk_lookup(struct od_inode *dir, const char *name)
{
    int i = entry_index(&dir->names, name);

    return i < 0 ? NULL : dir->names.v[i].inode;
}

struct od_inode *od_disk_inode_new(struct od_disk *d, bool is_dir)
{
    struct od_inode *inode = OD_NEW(struct od_inode);

    inode->is_dir = is_dir;
    inode->id = d->inode_count + 1;
    if (d->inode_count == d->inode_capacity) {
        d->inode_capacity = d->inode_capacity ? d->inode_capacity * 2 : 64;
        d->inodes = od_realloc(d->inodes, d->inode_capacity * sizeof(*d->inodes));
    }
    d->inodes[d->inode_count++] = inode;
    return inode;
}

/* Copies the next component of *path; false at the end. */
static bool next_name(const char **path, char *name, size_t size)
{
    size_t len;

    for (;;) {
        *path += strspn(*path, "/");
        len = strcspn(*path, "/");
        if (len != 1 || **path != '.')
            break;
        *path += 1;
    }
    OD_ASSERT(len < size);
    memcpy(name, *path, len);
    name[len] = '\0';
    *path += len;
    return len > 0;
}

struct od_inode *od_disk_find(struct od_disk *d, const char *path)
{
    struct od_inode *at = d->root;
    char name[256];

    while (at && next_name(&path, name, sizeof(name)))
        at = at->is_dir ? od_disk_lookup(at, name) : NULL;
    return at;
}

struct od_inode *od_disk_parent(struct od_disk *d, const char *path, const char **last)
{
    const char *slash = strrchr(path, '/');
    char *dir_path;
    struct od_inode *dir;

    *last = slash ? slash + 1 : path;
    OD_ASSERT(**last); /* no path of ours ends in a slash */
    if (!slash)
        return d->root;
    dir_path = od_str_dup((struct od_str){ path, (size_t)(slash - path) });
    dir = od_disk_find(d, dir_path);
    od_free(dir_path);
    return dir && dir->is_dir ? dir : NULL;
}

/* --- crash ------------------------------------------------------------------------------- */

static size_t sector_end(int64_t pos, size_t left)
{
    size_t n = SECTOR_BYTES - (size_t)(pos % SECTOR_BYTES);

    return n < left ? n : left;
}

/* A write of which each sector made it or not. */
static void apply_torn(struct od_content *c, const struct od_file_op *op)
{
    bool prefix = od_rng_chance(&od_world.disk, 500000);
    size_t done = 0;

    if (!op->data) {
        apply(c, op);
        return;
    }
    while (done < op->len) {
        size_t n = sector_end(op->pos + (int64_t)done, op->len - done);
        bool lost = od_rng_chance(&od_world.disk, 300000);

        if (lost && prefix)
            break;
        if (!lost)
            content_write(c, op->data + done, n, op->pos + (int64_t)done);
        done += n;
    }
}

static void crash_file(struct od_inode *f)
{
    enum { LOSE_ALL, PREFIX, SUBSET, KEEP_ALL, MODES };
    uint64_t mode = od_rng_below(&od_world.disk, MODES);
    int whole = f->op_count > 0 ? (int)od_rng_below(&od_world.disk, (uint64_t)f->op_count) : 0;

    for (int i = 0; i < f->op_count; i++) {
        if (mode == KEEP_ALL || (mode == PREFIX && i < whole))
            apply(&f->durable, &f->ops[i]);
        else if (mode == PREFIX && i == whole)
            apply_torn(&f->durable, &f->ops[i]);
        else if (mode == SUBSET && od_rng_chance(&od_world.disk, 700000))
            apply_torn(&f->durable, &f->ops[i]);
        else
            od_world.stats.bytes_lost += f->ops[i].len;
    }
    drop_ops(f, f->op_count);
    f->live.len = 0;
    content_write(&f->live, f->durable.data, (size_t)f->durable.len, 0);
}

static void crash_names(struct od_disk *d)
{
    /* In order: the journals of the file systems we run on keep it. */
    int kept = (int)od_rng_below(&od_world.disk, (uint64_t)d->name_count + 1);

    if (od_rng_chance(&od_world.disk, 300000))
        kept = 0;
    for (int i = 0; i < d->name_count; i++) {
        if (i < kept)
            apply_name(&d->names[i]);
        free_name(&d->names[i]);
    }
    d->name_count = 0;
    for (uint32_t i = 0; i < d->inode_count; i++)
        d->inodes[i]->links = 0;
}

static void revive(struct od_disk *d, struct od_inode *dir)
{
    while (dir->names.count > 0)
        entries_set(&dir->names, dir->names.v[0].name, NULL);
    for (int i = 0; i < dir->durable_names.count; i++) {
        struct od_inode *inode = dir->durable_names.v[i].inode;

        entries_set(&dir->names, dir->durable_names.v[i].name, inode);
        if (inode->links++ > 0)
            continue;
        if (inode->room < inode->live.len) /* what was preallocated stays so */
            inode->room = inode->live.len;
        d->used += inode->room;
        if (inode->is_dir)
            revive(d, inode);
    }
}

static struct od_inode *make_durable(struct od_disk *d, struct od_inode *dir, const char *name,
                                     bool is_dir)
{
    struct od_inode *inode = od_disk_lookup(dir, name);

    if (!inode) {
        inode = od_disk_inode_new(d, is_dir);
        od_disk_name(d, dir, name, inode);
        od_disk_sync_names(d, dir);
    }
    return inode;
}

/* The machine starts: the kernel's boot id is a new one. */
static void boot(struct od_disk *d)
{
    struct od_inode *at = make_durable(d, d->root, "proc", true);
    char id[38];

    at = make_durable(d, at, "sys", true);
    at = make_durable(d, at, "kernel", true);
    at = make_durable(d, at, "random", true);
    at = make_durable(d, at, "boot_id", false);
    snprintf(id, sizeof(id), "%08x-0000-4000-8000-%012llx\n",
             (unsigned)od_rng_below(&od_world.disk, UINT32_MAX),
             (unsigned long long)od_rng_below(&od_world.disk, (uint64_t)1 << 48));
    od_inode_write(d, at, id, sizeof(id) - 1, 0);
    od_inode_sync(at, at->op_seq);
}

void od_disk_crash(struct od_disk *d, enum od_sim_crash how)
{
    d->open_files = 0;
    for (uint32_t i = 0; i < d->inode_count; i++)
        d->inodes[i]->locked_by = NULL;
    if (how == OD_SIM_KILL)
        return;
    for (uint32_t i = 0; i < d->inode_count; i++)
        if (!d->inodes[i]->is_dir)
            crash_file(d->inodes[i]);
    crash_names(d);
    d->used = 0;
    revive(d, d->root);
    boot(d);
}

struct od_disk *od_disk_new(void)
{
    struct od_disk *d = OD_NEW(struct od_disk);

    d->capacity = (int64_t)1 << 30;
    d->root = od_disk_inode_new(d, true);
    boot(d);
    return d;
}

/* --- harness ----------------------------------------------------------------------------- */

struct od_sim_disk_faults *od_sim_disk_faults(struct od_sim_node *n)
{
    return &n->disk->faults;
}

void od_sim_disk_fail_nth(struct od_sim_node *n, enum od_sim_disk_call call, uint64_t nth,
                          enum od_err err, const char *part)
{
    struct od_disk_nth *f = &n->disk->nth[call];

    f->countdown = nth;
    f->err = err;
    snprintf(f->part, sizeof(f->part), "%s", part ? part : "");
}

void od_sim_disk_capacity(struct od_sim_node *n, int64_t bytes)
{
    n->disk->capacity = bytes;
}

int64_t od_sim_disk_used(const struct od_sim_node *n)
{
    return n->disk->used;
}

bool od_sim_disk_flip(struct od_sim_node *n, const char *path, int64_t pos, int bit)
{
    struct od_inode *f = od_disk_find(n->disk, path);

    if (!f || f->is_dir || pos >= f->live.len)
        return false;
    f->live.data[pos] ^= (uint8_t)(1 << bit);
    if (pos < f->durable.len)
        f->durable.data[pos] ^= (uint8_t)(1 << bit);
    return true;
}

int od_sim_node_open_files(const struct od_sim_node *n)
{
    return n->disk->open_files;
}
