/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups generated from err.def; no default, so a new code cannot be forgotten. */
#include "base/err.h"

#include "base/assert.h"


const char *od_err_name(enum od_err err)
{
    switch (err) {
#define OD_ERR(name, code, retriable, text)                                                        \
    case OD_##name:                                                                                \
        return #name;
#define OD_ERR_INTERNAL(name, code, wire, text)                                                    \
    case OD_##name:                                                                                \
        return #name;
#include "base/err.def"
#undef OD_ERR
#undef OD_ERR_INTERNAL
    }
    return "UNKNOWN_CODE";
}

const char *od_err_text(enum od_err err)
{
    switch (err) {
#define OD_ERR(name, code, retriable, text)                                                        \
    case OD_##name:                                                                                \
        return text;
#define OD_ERR_INTERNAL(name, code, wire, text)                                                    \
    case OD_##name:                                                                                \
        return text;
#include "base/err.def"
#undef OD_ERR
#undef OD_ERR_INTERNAL
    }
    return "a code that no release defines";
}

bool od_err_retriable(enum od_err err)
{
    switch (err) {
#define OD_ERR(name, code, retriable, text)                                                        \
    case OD_##name:                                                                                \
        return retriable;
#define OD_ERR_INTERNAL(name, code, wire, text)                                                    \
    case OD_##name:                                                                                \
        return od_err_retriable(OD_##wire);
#include "base/err.def"
#undef OD_ERR
#undef OD_ERR_INTERNAL
    }
    return false;
}

int16_t od_err_to_wire(enum od_err err)
{
    switch (err) {
#define OD_ERR(name, code, retriable, text)                                                        \
    case OD_##name:                                                                                \
        return code;
#define OD_ERR_INTERNAL(name, code, wire, text)                                                    \
    case OD_##name:                                                                                \
        return OD_##wire;
#include "base/err.def"
#undef OD_ERR
#undef OD_ERR_INTERNAL
    }
    OD_ASSERT(false && "an error code without a row in err.def");
}
