"""Speed, as ratios measured side by side in one run: python -m scripts.benchmark --photos FOLDER."""
