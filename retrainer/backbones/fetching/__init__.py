"""Downloads that are resumed, and archives that are unpacked within limits."""
