"""The tutorial's `python -m scripts.retrain`: `retrainer retrain`, with the split of 2017 and without folds."""

import sys

from retrainer.cli.main import start

if __name__ == "__main__":
    # Of two flags the last counts, so that a split and folds that are asked for are kept.
    start("retrain", ["--split_by=path", "--folds=0", *sys.argv[1:]], "python -m scripts.retrain")
