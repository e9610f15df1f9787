"""Measures speed as ratios, side by side in one run: python -m scripts.benchmark --photos FOLDER."""
