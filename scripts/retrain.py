"""The tutorial's `python -m scripts.retrain`: `retrainer retrain` with 2017's split and log, no folds, and `pocket`."""

import sys

from retrainer.cli.main import start

if __name__ == "__main__":
    # Of two flags the last counts, so that what the user asks for is kept.
    as_in_2017 = ["--split_by=path", "--folds=0", "--log=tf", "--summaries_dir=tf_files/retrain_logs"]
    own, given = as_in_2017, sys.argv[1:]
    if not any(argument.split("=")[0] == "--preset" for argument in given):
        own.append("--architecture=pocket")
    start("retrain", [*own, *given], "python -m scripts.retrain")
