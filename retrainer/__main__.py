"""`python -m retrainer` is the command `retrainer`."""

from retrainer.cli.main import main

if __name__ == "__main__":
    main()
