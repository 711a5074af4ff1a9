/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a command finds the cluster.  Sources, weakest first:
 *   1. the profile $XDG_CONFIG_HOME/odradek/NAME.properties (XDG_CONFIG_HOME: else ~/.config), NAME
 *      being $ODRADEK_PROFILE, else "default";
 *   2. .odradek.properties in the working directory or the nearest one above, not beyond one that
 *      holds .git; left out where $ODRADEK_PROFILE is set;
 *   3. $ODRADEK_BOOTSTRAP;
 *   4. --profile NAME, in place of 1 to 3;  5. --command-config FILE;  6. -X KEY=VALUE;  7. -b.
 * Files are Java properties with the names of Java's clients.  Unknown names have no effect;
 * those that ask for what is not built yet (TLS, SASL) are refused.
 */
#pragma once

#include "cli/options.h"
#include "client/servers.h"
#include "config/properties.h"

struct od_settings {
    struct od_servers servers;
    char *client_id;    /* owned */
    int64_t timeout_ms;
};

enum { OD_SETTINGS_TIMEOUT_MS = 30000, OD_SETTINGS_TIMEOUT_MS_MAX = 3600000 };

/* Reads the files.  False: *why says which source is wrong, and how.  The deinit is always due. */
OD_MUST_USE bool od_settings_load(struct od_settings *s, const struct od_options *options,
                                  struct od_text *why);
void od_settings_deinit(struct od_settings *s);

/* Of one profile alone, over what is there. */
OD_MUST_USE bool od_settings_load_profile(struct od_settings *s, const char *name,
                                          struct od_text *why);

/* The parts that need no file. */
void od_settings_init(struct od_settings *s);
OD_MUST_USE bool od_settings_set(struct od_settings *s, struct od_str key, struct od_str value,
                                 struct od_text *why);
/* "500ms", "10s", "2m", "1h"; a number alone is ms. */
OD_MUST_USE bool od_duration_parse(struct od_str text, int64_t *ms);
/* The folder of profiles; NULL where neither XDG_CONFIG_HOME nor HOME is set.  Owned. */
char *od_settings_folder(void);
bool od_settings_profile_valid(const char *name); /* letters, digits, '.', '_' and '-' */
