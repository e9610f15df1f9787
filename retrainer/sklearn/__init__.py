"""Estimators for scikit-learn that take pictures: a classifier, and a transformer for the estimators of others.

`X` is a list or an array of paths, a list of pictures as `retrainer.Labeler` takes them, or a uint8 array of pictures
`(N, H, W, 3)` or `(N, H, W)`. Here `photos` is a folder with the class folders `green` and `red`:

>>> from pathlib import Path
>>> from sklearn.linear_model import LogisticRegression
>>> from sklearn.model_selection import cross_val_score
>>> from sklearn.pipeline import make_pipeline
>>> from retrainer.sklearn import BottleneckFeatures, RetrainClassifier
>>> paths = sorted(Path("photos").glob("*/*.jpg"))
>>> labels = [path.parent.name for path in paths]
>>> cross_val_score(RetrainClassifier(), paths, labels, cv=3)
array([1., 1., 1.])
>>> classifier = RetrainClassifier(class_weight="balanced").fit(paths, labels)
>>> classifier.predict(paths[:2])
array(['green', 'green'], dtype='<U5')
>>> classifier.save("model.tflite")
>>> RetrainClassifier.load("model.tflite").score(paths, labels)
1.0
>>> pipeline = make_pipeline(BottleneckFeatures(), LogisticRegression()).fit(paths, labels)
>>> pipeline.score(paths, labels)
1.0

Feature vectors are cached: each photo goes through the backbone once, however often models are fitted. `save` writes a
model as `retrainer retrain` does; phones, `retrainer label` and `retrainer.Labeler` take it.
"""

from importlib.util import find_spec

from retrainer.errors import PackageError

if find_spec("sklearn") is None:
    raise PackageError("retrainer.sklearn: expected scikit-learn, which is not installed.", "pip install scikit-learn")

from retrainer.sklearn.classifier import RetrainClassifier as RetrainClassifier
from retrainer.sklearn.transformer import BottleneckFeatures as BottleneckFeatures

__all__ = ["BottleneckFeatures", "RetrainClassifier"]
