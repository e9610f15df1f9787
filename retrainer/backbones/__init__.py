"""Where backbones come from, and the bundle that each becomes."""
