/* SPDX-License-Identifier: Apache-2.0 */
/* Values from variables and files, as Kafka's config providers give them. */
#include "config/config.h"
#include "test.h"

#include <string.h>

struct loaded {
    struct od_config config;
    struct od_text errors, notes;
    enum od_err err;
};

static bool read(const char *path, struct od_text *out)
{
    if (!strcmp(path, "/etc/secrets.properties"))
        od_text_add(out, "rack = r1\npartitions=3\n");
    else if (!strcmp(path, "/run/secrets/rack"))
        od_text_add(out, "from-a-file");
    else
        return false;
    return true;
}

static struct loaded load(const char *file)
{
    static const char *const environment[] = { "RACK=east", "PARTS=4", NULL };
    struct od_config_input in = { .file_name = "f",
                                  .file = od_str_of(file),
                                  .environment = environment,
                                  .read = read,
                                  .data_dir = "/d",
                                  .cores = 1,
                                  .memory_bytes = 1 << 30 };
    struct loaded l = { 0 };

    l.err = od_config_load(&l.config, &in, &l.errors, &l.notes);
    return l;
}

static void unload(struct loaded *l)
{
    od_config_deinit(&l->config);
    od_text_reset(&l->errors);
    od_text_reset(&l->notes);
}

static void gives(const char *value, const char *rack)
{
    struct od_text file = { 0 };
    struct loaded l;

    od_text_add(&file, "broker.rack=%s", value);
    l = load(od_text_get(&file));
    CHECK_OK(l.err);
    CHECK_STR(l.config.broker_rack, rack);
    unload(&l);
    od_text_reset(&file);
}

static void fails(const char *value, const char *message)
{
    struct od_text file = { 0 };
    struct loaded l;

    od_text_add(&file, "broker.rack=%s", value);
    l = load(od_text_get(&file));
    CHECK_EQ(l.err, OD_E_CONFIG);
    CHECK_STR(od_text_get(&l.errors), message);
    unload(&l);
    od_text_reset(&file);
}

TEST(variables_keys_and_files_are_filled_in)
{
    gives("${env:RACK}", "east");
    gives("a-${env:RACK}-${env:PARTS}", "a-east-4");
    gives("${file:/etc/secrets.properties:rack}", "r1");
    gives("${dir:/run/secrets:rack}", "from-a-file");
    gives("${directory:/run/secrets:rack}", "from-a-file");
}

TEST(what_names_no_provider_stays_as_it_is)
{
    gives("${vault:a:b}", "${vault:a:b}");
    gives("$x {y} ${z", "$x {y} ${z");
    gives("${}", "${}");
}

TEST(what_has_no_value_stops_the_start)
{
    fails("${env:NOBODY}", "broker.rack (f:1): the environment has no variable NOBODY\n");
    fails("${file:/none:k}", "broker.rack (f:1): the file /none cannot be read\n");
    fails("${file:/etc/secrets.properties:no}",
          "broker.rack (f:1): the file /etc/secrets.properties has no key no\n");
    fails("${dir:/run:../rack}", "broker.rack (f:1): ../rack is no name of a file\n");
}

TEST(providers_may_have_names_of_their_own)
{
    struct loaded l =
        load("config.providers=mine\n"
             "config.providers.mine.class=org.apache.kafka.common.config.provider."
             "FileConfigProvider\n"
             "num.partitions=${mine:/etc/secrets.properties:partitions}\n");

    CHECK_OK(l.err);
    CHECK_EQ(l.config.num_partitions, 3);
    CHECK(!strstr(od_text_get(&l.notes), "config.providers.mine.class"));
    unload(&l);
}
