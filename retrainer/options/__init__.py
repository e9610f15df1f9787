"""All options. Flags, the Python API and the tables of cli/README.md derive from them.

The options of a retraining stand in a module for each group. A label does not import them.
"""
