"""The tutorial's `python -m scripts.label_image`: `retrainer label`."""

import sys

from retrainer.cli.label import command
from retrainer.cli.main import run

if __name__ == "__main__":
    run(command, sys.argv[1:], "python -m scripts.label_image")
