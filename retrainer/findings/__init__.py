"""What may be wrong with photos and classes, found by the vectors and scores of a run."""
