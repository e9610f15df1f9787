import copy
import pickle
from pathlib import Path

import pytest

from retrainer.errors import About, OptionError, OutputError, PictureError, RetrainerError
from retrainer.system.files import write_whole
from retrainer.system.paths import require_file, require_folder


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


def test_a_file_that_cannot_be_written_or_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        write_whole(tmp_path, b"")
    assert caught.value.path == str(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError) as caught:
        write_whole(tmp_path / "file" / "below", b"")
    assert caught.value.path == str(tmp_path / "file" / "below")
    for call in (require_file, require_folder):
        with pytest.raises(OptionError) as absent:
            call(str(tmp_path / "absent"), "--graph", "a model")
        assert absent.value.path == str(tmp_path / "absent")
