"""`python -m harness` is `beir-harness`."""

import sys

from harness.cli import main

sys.exit(main())
