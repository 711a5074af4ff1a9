/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share while settings are loaded. */
#pragma once

#include "config/config.h"
#include "config/key.h"

/* A setting as found, the strongest of its name.  Texts are owned. */
struct od_found {
    char *name;
    struct od_origin origin;
};

struct od_found_list {
    struct od_found *v;
    int n;
    int capacity;
};

/*
 * Collects file, environment and overrides; a stronger source replaces a weaker one, and within a
 * source the later entry wins.  False: *errors has the lines that could not be read.
 */
OD_MUST_USE bool od_sources_collect(const struct od_config_input *in, struct od_found_list *out,
                                    struct od_text *errors);
void od_found_list_deinit(struct od_found_list *list);

/* The field of a key in this config. */
void *od_config_field(const struct od_config *c, const struct od_key_row *row);
/* "name = value (place): " in front of an error or note about a key. */
void od_config_say_key(const struct od_config *c, enum od_key key, struct od_text *out);

/*
 * Takes listener.name.NAME.max.connections and .max.connection.creation.rate; *bad: *errors says
 * why.  False: the name is another one.
 */
bool od_listener_limit_take(struct od_config *c, const struct od_found *f, bool *bad,
                            struct od_text *errors);
/* Takes listeners and advertised.listeners apart and checks what depends on listener names. */
OD_MUST_USE bool od_endpoints_load(struct od_config *c, struct od_text *errors);
void od_endpoints_deinit(struct od_config *c);
