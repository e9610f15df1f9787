"""The tutorial's `python -m scripts.retrain`: `retrainer retrain` with 2017's split and log, no folds, and `pocket`."""

import sys

from retrainer.cli.main import start

if __name__ == "__main__":
    # Of two flags the last counts, so that what the user asks for is kept.
    own, given = ["--split_by=path", "--log=tf", "--summaries_dir=tf_files/retrain_logs"], sys.argv[1:]
    flags = {argument.split("=")[0] for argument in given}
    if "--compare" not in flags:
        own.append("--folds=0")
        if "--preset" not in flags:
            own.append("--architecture=pocket")
    start("retrain", [*own, *given], "python -m scripts.retrain")
