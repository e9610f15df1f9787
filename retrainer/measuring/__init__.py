"""How good a model is: figures, folds, learning curves, and which photos it has seen."""
