import copy
import pickle
from pathlib import Path

import pytest

from retrainer.errors import About, OptionError, PictureError, RetrainerError


@pytest.mark.parametrize("error", [OptionError("Wrong\nname.", "Name another."), PictureError("damaged")])
def test_a_copied_or_pickled_error_says_the_same(error: RetrainerError) -> None:
    for same in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(same) is type(error)
        assert (str(same), same.problem, same.fix) == (str(error), error.problem, error.fix)


def test_an_error_keeps_the_path_of_its_file() -> None:
    with pytest.raises(PictureError) as caught, About("a.jpg"), About(None):
        raise PictureError("damaged")
    assert caught.value.path == "a.jpg"
    for same in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value)):
        assert (same.path, str(same)) == ("a.jpg", "damaged")
    assert RetrainerError("Wrong.").path is None
    with pytest.raises(OptionError) as caught, About("b.jpg"):  # type: ignore[assignment]
        raise OptionError("Wrong.", path=Path("folder/c.jpg"))
    assert caught.value.path == str(Path("folder/c.jpg"))
    with pytest.raises(ZeroDivisionError), About("d.jpg"):
        raise ZeroDivisionError
