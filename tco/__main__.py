"""The console script, and `python -m tco`."""

import gc

gc.disable()  # here, because importing the command line already pays for it; why, `tco.cli.main` says

from tco.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
