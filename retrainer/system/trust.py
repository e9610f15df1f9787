"""The flag that lifts the limits on files that somebody else made."""

TRUST_FLAG = "--trust_graph"
TRUST_HINT = f"If you trust the author of the file, run it without limits: add {TRUST_FLAG}."
