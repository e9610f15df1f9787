"""Every option, once: flags, the Python API and the README's tables derive from it.

A module for what each command needs, so that a label does not wait for the options of a retraining.
"""
