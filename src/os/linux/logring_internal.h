/* SPDX-License-Identifier: Apache-2.0 */
/* The rings of all threads. */
#pragma once

/* The calling thread ends: its ring may serve another one. */
void od_logrings_retire(void);
