/* SPDX-License-Identifier: Apache-2.0 */
/* The one place of the command line that asks the system about its streams. */
#include "cli/terminal.h"

#include "base/str.h"
#include "cli/exit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_MIN = 20, COLUMNS_MAX = 10000 };

int od_terminal_width(void)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;
    int64_t width;

    if (columns && od_str_to_i64(od_str_of(columns), COLUMNS_MIN, COLUMNS_MAX, &width))
        return (int)width;
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        return size.ws_col;
    return 0;
}

bool od_terminal_has_colours(void)
{
    const char *no = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && !(no && no[0]) && !(term && !strcmp(term, "dumb"));
}

bool od_terminal_asks(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool od_terminal_input_waits(void)
{
    struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

    return poll(&in, 1, 0) == 0;
}

bool od_terminal_flush(void)
{
    return fflush(stdout) == 0 && !ferror(stdout);
}

int od_terminal_finish(int code)
{
    if (od_terminal_flush())
        return code;
    if (errno == EPIPE) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    fprintf(stderr, "odradek: standard output cannot be written: %s\n", strerror(errno));
    return code ? code : OD_EXIT_FAILED;
}
