/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The .properties parser: what parses prints to a text that parses to the same keys and values; and
 * a whole configuration either loads or says why it does not.  Input: a file.
 */
#include "base/assert.h"
#include "config/config.h"
#include "config/properties.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_print(struct od_str file)
{
    struct od_properties first, second;
    struct od_text printed = {0}, why = {0};

    if (od_properties_parse(file, &first, &why)) {
        od_properties_print(&first, &printed);
        OD_ASSERT(od_properties_parse((struct od_str) {printed.data, printed.len}, &second, &why));
        OD_ASSERT(first.n == second.n);
        for (int i = 0; i < first.n; i++) {
            OD_ASSERT(od_str_eq(first.v[i].key, second.v[i].key));
            OD_ASSERT(od_str_eq(first.v[i].value, second.v[i].value));
        }
        od_properties_deinit(&second);
    } else {
        OD_ASSERT(why.len > 0);
    }
    od_properties_deinit(&first);
    od_text_reset(&printed);
    od_text_reset(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct od_str file = {(const char *)data, size};
    struct od_config_input in = {
        .file_name = "f", .file = file, .data_dir = "/d", .cores = 1, .memory_bytes = 1 << 30};
    struct od_config config;
    struct od_text errors = {0}, notes = {0};
    bool loaded;

    if (size > 1 << 16)
        return 0;
    check_print(file);
    loaded = od_config_load(&config, &in, &errors, &notes) == OD_NONE;
    OD_ASSERT(loaded == (errors.len == 0));
    OD_ASSERT(!loaded || config.endpoint_count > 0);
    od_config_deinit(&config);
    od_text_reset(&errors);
    od_text_reset(&notes);
    return 0;
}
