"""The list of findings and decisions: which photos may be wrong, and what a person decided about them."""
