"""The tutorial's `python -m scripts.label_image`: `retrainer label`."""

import sys

from retrainer.cli.main import start

if __name__ == "__main__":
    start("label", sys.argv[1:], "python -m scripts.label_image")
