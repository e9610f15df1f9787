"""All options. Flags, the Python API and the README's tables derive from them.

The options of a retraining stand in a module for each group. A label does not import them.
"""
