"""The console script, and `python -m tco`: a short process, set up before anything heavy is imported."""

import gc
import os

gc.disable()  # what a run leaves goes with the process
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy starts one thread a core; nothing here multiplies matrices
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # or pydantic reads the metadata of all that is installed

from tco.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
