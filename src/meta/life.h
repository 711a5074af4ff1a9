/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life cycle of the broker in this process: it registers fenced under a new incarnation, is
 * unfenced once it has followed its own registration, and is fenced again by a controlled stop.
 * On reactor 0.  The `open` hook of the controller runs for each step before its callback.
 */
#pragma once

#include "meta/controller.h"

struct od_broker_life {
    struct od_controller_call call;
    struct od_controller *controller;
    struct od_image_holder *holder;
    struct od_arena arena;
    int32_t id;
    int64_t epoch; /* of this registration; -1 before */
    void (*done)(struct od_broker_life *life, enum od_err err, const char *message);
};

/*
 * Registers and unfences; done tells the end, with a message for people on failure.  What
 * registration points to lives until then.
 */
void od_broker_life_start(struct od_broker_life *life, struct od_controller *controller,
                          struct od_image_holder *holder,
                          const struct od_register_broker *registration,
                          void (*done)(struct od_broker_life *, enum od_err, const char *));
/* The controlled stop; the epoch then belongs into the clean-shutdown file. */
void od_broker_life_stop(struct od_broker_life *life,
                         void (*done)(struct od_broker_life *, enum od_err, const char *));
