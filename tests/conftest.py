"""Several test processes run side by side: each with one thread, or they wait for each other more than they work."""

import os
import signal

os.environ.setdefault("OMP_NUM_THREADS", "1")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell starts background jobs so, and what tests start would inherit it: it could not be interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)
