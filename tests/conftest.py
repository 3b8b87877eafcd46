"""Several test processes run side by side: each with one thread, or they wait for each other more than they work."""

import os
import signal

os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell starts background jobs without Ctrl-C, nohup without the end of a terminal: what tests start would inherit it.
for ignored, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(ignored) == signal.SIG_IGN:
        signal.signal(ignored, handler)
