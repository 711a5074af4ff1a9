/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What members of groups did and were told, and the verdict on it (I10).  Pure.  A broken rule is
 * told at once, by its name:
 *
 * two-leaders       two members were told that they lead one generation of one life of the broker
 * two-assignments   answers about one generation come from different hands
 * generation-back   after a generation was known, an older one was given out or accepted
 * two-owners        a partition was told to a member while another live one has it (KIP-848)
 * lost-commit       an offset was read that is neither the last one known nor attempted
 *
 * A generation counts as known from the first assignment that was handed out in it: members that
 * joined only are forgotten by a restart, and the number is given again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    GROUP_REGISTERS = 2,
    GROUP_ATTEMPTS_MAX = 128,
    GROUP_GENERATIONS_MAX = 1024,
    GROUP_OWNERS_MAX = 40,
};

/* One committed offset, written by one client. */
struct group_register {
    int64_t known; /* acknowledged or read last; -1: never */
    struct {
        int64_t value;
        int life; /* of the broker it was sent to */
    } attempts[GROUP_ATTEMPTS_MAX]; /* without a known outcome */
    int attempt_count;
};

struct group_history {
    void (*broken)(const char *text);
    struct group_register registers[GROUP_REGISTERS];
    struct {
        uint64_t leader, hand; /* 0: not known */
        int life;              /* in which the leader was told */
    } generations[GROUP_GENERATIONS_MAX];
    int32_t generation; /* highest known; 0: none */
    struct {
        uint32_t partitions; /* a bit each */
        int64_t until_ms;    /* then it gives them up by itself */
    } owners[GROUP_OWNERS_MAX];
};

void group_history_init(struct group_history *h, void (*broken)(const char *text));

/* A join that was sent when the known generation was asked_at is answered; life -1: by which life
 * is not known. */
void group_history_joined(struct group_history *h, int32_t asked_at, int32_t generation,
                          uint64_t leader, int life);
/* An assignment came, made by that hand. */
void group_history_assigned(struct group_history *h, int32_t generation, uint64_t hand);
/* A heartbeat or a commit of the generation, sent when asked_at was known, was accepted. */
void group_history_accepted(struct group_history *h, int32_t asked_at, int32_t generation);

/* Member has these partitions from now on, until it hears no more or says otherwise. */
void group_history_owns(struct group_history *h, int member, uint32_t partitions, int64_t now_ms,
                        int64_t until_ms);

/* False: too many attempts are open. */
bool group_history_commits(struct group_history *h, int reg, int64_t value, int life);
void group_history_refused(struct group_history *h, int reg, int64_t value);
void group_history_committed(struct group_history *h, int reg, int64_t value, int life);
void group_history_read(struct group_history *h, int reg, int64_t value);
