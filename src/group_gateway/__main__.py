"""`python -m group_gateway`: the same as the `group-gateway` command."""

import sys

from group_gateway.cli import main

if __name__ == "__main__":
    sys.exit(main())
