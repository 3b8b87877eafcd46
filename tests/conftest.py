"""Settings of all test processes, which may run in parallel: one thread each, and default signal handlers."""

import os
import signal

os.environ.setdefault("OMP_NUM_THREADS", "1")

# Background jobs of a shell ignore SIGINT, and jobs of nohup ignore SIGHUP; child processes would inherit this.
for ignored, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(ignored) == signal.SIG_IGN:
        signal.signal(ignored, handler)
