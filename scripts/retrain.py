"""The tutorial's `python -m scripts.retrain`: `retrainer retrain` with the split of 2017, `pocket`, no folds."""

import sys

from retrainer.cli.main import start

if __name__ == "__main__":
    # Of two flags the last counts, so that what the user asks for is kept.
    own = ["--split_by=path", "--folds=0", "--architecture=pocket"]
    start("retrain", [*own, *sys.argv[1:]], "python -m scripts.retrain")
