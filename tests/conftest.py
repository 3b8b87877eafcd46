"""Several test processes run side by side: each with one thread, or they wait for each other more than they work."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
