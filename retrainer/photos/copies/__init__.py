"""Finding photos that are copies of one another: fingerprints, candidate pairs, then close comparison."""
