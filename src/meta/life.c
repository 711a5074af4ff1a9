/* SPDX-License-Identifier: Apache-2.0 */
/* Registration and heartbeats of the broker in this process. */
#include "meta/life.h"

static void finish(struct od_broker_life *life)
{
    life->done(life, life->call.reply.err, life->call.reply.message);
    od_arena_reset(&life->arena);
}

static void send(struct od_broker_life *life, const struct od_command *command,
                 void (*done)(struct od_controller_call *))
{
    life->call.command = *command;
    life->call.arena = &life->arena;
    life->call.done = done;
    od_controller_submit(life->controller, &life->call);
}

static void on_beat(struct od_controller_call *call)
{
    finish(OD_CONTAINER(call, struct od_broker_life, call));
}

static void beat(struct od_broker_life *life, bool want_shut_down)
{
    struct od_image *image = od_image_acquire(life->holder);
    struct od_command command = { .kind = OD_COMMAND_HEARTBEAT,
                                  .heartbeat = { .id = life->id,
                                                 .broker_epoch = life->epoch,
                                                 .applied_offset = image->offset,
                                                 .want_shut_down = want_shut_down } };

    od_image_unref(image);
    send(life, &command, on_beat);
}

static void on_registered(struct od_controller_call *call)
{
    struct od_broker_life *life = OD_CONTAINER(call, struct od_broker_life, call);

    life->epoch = call->reply.broker_epoch;
    if (call->reply.err)
        finish(life);
    else
        beat(life, false); /* the answer came after the record was applied: caught up */
}

void od_broker_life_start(struct od_broker_life *life, struct od_controller *controller,
                          struct od_image_holder *holder,
                          const struct od_register_broker *registration,
                          void (*done)(struct od_broker_life *, enum od_err, const char *))
{
    struct od_command command = { .kind = OD_COMMAND_REGISTER_BROKER,
                                  .register_broker = *registration };

    *life = (struct od_broker_life){ .controller = controller,
                                     .holder = holder,
                                     .id = registration->id,
                                     .epoch = -1,
                                     .done = done };
    send(life, &command, on_registered);
}

void od_broker_life_stop(struct od_broker_life *life,
                         void (*done)(struct od_broker_life *, enum od_err, const char *))
{
    life->done = done;
    beat(life, true);
}
