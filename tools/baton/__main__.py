# SPDX-License-Identifier: BSD-2-Clause
"""The front door.  Start it through ./baton."""

import errno
import os
import signal
import sys

if sys.version_info < (3, 9):
    sys.exit("baton: Python 3.9 or later is needed")

import streams

streams.open_missing()  # before the modules that look at them

from cli import main  # noqa: E402
from term import EXIT_FAILED, Failure, complain  # noqa: E402

EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
PRINT_ERRORS = (errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC)


def end_on_signal(number, _):
    """Leave through the `finally`s, so that no emulator outlives its front door."""
    sys.exit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end_on_signal)
    signal.signal(signal.SIGHUP, end_on_signal)
    try:
        try:
            STATUS = main(sys.argv[1:])
        except SystemExit as end:  # after the help, wrong use, a signal
            STATUS = end.code
        sys.stdout.flush()
    except Failure as failure:
        complain(str(failure))
        STATUS = failure.status
    except KeyboardInterrupt:
        complain("interrupted")
        STATUS = EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; say nothing more, and keep Python from trying to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        STATUS = EXIT_BROKEN_PIPE
    except OSError as error:
        # Files that we write are dealt with where they are opened: this is what we print.
        if error.errno not in PRINT_ERRORS or error.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        complain(f"the standard output: {error.strerror}")
        STATUS = EXIT_FAILED
    sys.exit(STATUS)
