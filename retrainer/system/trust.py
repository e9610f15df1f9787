"""What lifts the limits on files that somebody else made."""

TRUST_FLAG = "--trust_graph"
TRUSTING = f"If you trust whoever made the file, run it without limits by {TRUST_FLAG}."
