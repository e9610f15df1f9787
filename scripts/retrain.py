"""The tutorial's `python -m scripts.retrain`: `retrainer retrain`, with the split of 2017."""

import sys

from retrainer.cli.main import run
from retrainer.cli.retrain import command

if __name__ == "__main__":
    # Of two flags the last counts, so that a split that is asked for is kept.
    run(command, ["--split_by=path", *sys.argv[1:]], "python -m scripts.retrain")
