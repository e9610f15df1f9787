import copy
import pickle

import pytest

from retrainer.errors import OptionError, PictureError, RetrainerError


@pytest.mark.parametrize("error", [OptionError("Wrong\nname.", "Name another."), PictureError("damaged")])
def test_a_copied_or_pickled_error_says_the_same(error: RetrainerError) -> None:
    for same in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(same) is type(error)
        assert (str(same), same.problem, same.fix) == (str(error), error.problem, error.fix)
