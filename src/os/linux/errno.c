/* SPDX-License-Identifier: Apache-2.0 */
/* From errno to our codes; no errno leaves this folder. */
#include "os/linux/linux_internal.h"

#include <errno.h>
#include <string.h>

enum od_err od_errno_to_err(int e)
{
    switch (e) {
    case ENOENT:
        return OD_E_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY:
        return OD_E_EXISTS;
    case ENOSPC:
    case EDQUOT:
        return OD_E_NO_SPACE;
    case EMFILE:
    case ENFILE:
        return OD_E_LIMIT;
    default:
        return OD_E_IO;
    }
}

const char *od_errno_name(int e)
{
    const char *name = strerrorname_np(e);

    return name ? name : "unknown error";
}
