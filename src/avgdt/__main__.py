"""Entry point of ``python -m avgdt``."""

import sys

from avgdt.cli.main import main

sys.exit(main())
