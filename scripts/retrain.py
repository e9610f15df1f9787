"""The tutorial's `python -m scripts.retrain`: `retrainer retrain`, with the split of 2017."""

import sys

from retrainer.cli.main import start

if __name__ == "__main__":
    # Of two flags the last counts, so that a split that is asked for is kept.
    start("retrain", ["--split_by=path", *sys.argv[1:]], "python -m scripts.retrain")
