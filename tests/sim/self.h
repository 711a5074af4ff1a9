/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the simulator's own test; each runs on the director's fiber. */
#pragma once

void sim_self_reactors(void);
void sim_self_history(void);
void sim_self_groups(void);
