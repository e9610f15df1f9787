"""Archives that are not what they should be, and the networks in those that are."""

import gzip
import io
import lzma
import os
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from retrainer.backbones.fetching import archives
from retrainer.backbones.fetching.archives import require_safe_keras, unpack
from retrainer.backbones.network_files import is_saved_model, network_in
from retrainer.errors import DownloadError
from retrainer.models.graph.tensorflow_graph import import_tensorflow
from retrainer.system import tar_headers


def archive(files: dict[str, bytes], *others: tarfile.TarInfo) -> bytes:
    """A `.tar.gz` of files, and of members that have no content of their own."""
    content = b""
    for name, data in files.items():
        content += member(name, size=len(data)).tobuf() + data + b"\0" * (-len(data) % tarfile.BLOCKSIZE)
    # tarfile itself refuses to write a member that claims more than it has.
    content += b"".join(other.tobuf() for other in others)
    return gzip.compress(content + b"\0" * 2 * tarfile.BLOCKSIZE)


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, target
    return info


WHOLE = archive(
    {
        "./saved_model.pb": b"graph",
        "./variables/variables.index": b"index" * 1000,
        "./variables/variables.data-00000-of-00001": b"weights",
    }
)
KERAS = {"metadata.json": b"{}", "config.json": b"{}", "model.weights.h5": b"weights"}


def keras_file(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A `.keras` file of members."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return content.getvalue()


def unpacked(content: bytes, folder: Path) -> Path:
    (folder / "archive.tar.gz").write_bytes(content)
    unpack(folder / "archive.tar.gz", folder / "module", "archive.tar.gz")
    return folder / "module"


def made(folder: Path, files: Sequence[str]) -> Path:
    """The folder, with files in it."""
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"content")
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def pax_bomb() -> bytes:
    header = member("./PaxHeaders/x", tarfile.XHDTYPE, size=2**21).tobuf(tarfile.USTAR_FORMAT)
    return gzip.compress(header + b"\0" * 2**21)


def test_a_huge_header_is_not_read_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    process = tar_headers.BoundedHeader._proc_pax  # type: ignore[attr-defined]

    def counted(self: tarfile.TarInfo, archive: tarfile.TarFile) -> tarfile.TarInfo:
        read.append(self.size)
        return process(self, archive)  # type: ignore[no-any-return]

    monkeypatch.setattr(tar_headers.BoundedHeader, "_proc_pax", counted)
    for limit, times in ((2**20, 0), (2**22, 1)):
        monkeypatch.setattr(tar_headers, "MAX_HEADER_BYTES", limit)
        with pytest.raises(DownloadError):
            unpacked(pax_bomb(), tmp_path)
        assert read == [2**21] * times


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pax_bomb(), "damaged or truncated one: .*"),
        (archive({"a": b"1", "a/b": b"2"}), "damaged or truncated one: .*"),
        (archive({"x" * 300: b"1"}), "damaged or truncated one: .*File name too long"),
        (lzma.compress(gzip.decompress(WHOLE))[:60] + b"x" * 60, "damaged or truncated one: .*"),
        (WHOLE[:-60], "damaged or truncated one: .*"),
        (b"", "damaged or truncated one: .*"),
    ],
    ids=["pax", "file and folder", "long name", "xz", "truncated", "empty"],
)
def test_an_archive_is_blamed_for_its_own_faults(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=message) as error:
        unpacked(content, tmp_path)
    assert "\n" not in error.value.problem
    assert names(tmp_path) == ["archive.tar.gz"]
    assert not (tmp_path / "module").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (archive({"../outside": b"x"}), r"'\.\./outside' lies outside the archive"),
        (archive({"/etc/outside": b"x"}), r"'/etc/outside' lies outside the archive"),
        (archive({}, member("link", tarfile.SYMTYPE, target="/etc")), r"'link' is a link or a device"),
        (archive({}, member("link", tarfile.LNKTYPE, target="x")), r"'link' is a link or a device"),
        (archive({}, member("device", tarfile.CHRTYPE)), r"'device' is a link or a device"),
        (archive({}, member("huge", size=10 * 2**30)), r"'huge' is too much; expected at most 10,000 files of 4 GB"),
        (
            archive({"readme.txt": b"x"}),
            r"expected saved_model.pb and its variables, or one \.pb, \.tflite or \.keras in the archive, "
            r"received readme\.txt",
        ),
        (archive({"a.pb": b"x", "b.pb": b"x"}), r"or one \.pb, .* in the archive, received a\.pb, b\.pb"),
        (archive({}), r"in the archive, received nothing"),
    ],
    ids=["parent", "root", "link", "hard link", "device", "huge", "no network", "two networks", "nothing"],
)
def test_an_archive_of_something_else_is_refused_and_nothing_of_it_stays(
    content: bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DownloadError, match=message):
        unpacked(content, tmp_path)
    assert names(tmp_path) == ["archive.tar.gz"]
    assert [path.name for path in tmp_path.iterdir()] == ["archive.tar.gz"]


@pytest.mark.parametrize(("limit", "refused"), [(3, False), (2, True)])
def test_an_archive_holds_so_many_files_and_no_more(
    limit: int, refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBERS", limit)
    if refused:
        with pytest.raises(DownloadError, match=r"data-00000-of-00001' is too much"):
            unpacked(WHOLE, tmp_path)
    else:
        assert is_saved_model(unpacked(WHOLE, tmp_path))


@pytest.mark.parametrize("folder", ["", "./", "net/"])
def test_an_archive_may_hold_one_folder(folder: str, tmp_path: Path) -> None:
    module = unpacked(archive({f"{folder}saved_model.pb": b"graph", f"{folder}assets/labels.txt": b"a"}), tmp_path)
    assert names(module) == ["assets/labels.txt", "saved_model.pb"]
    assert (module / "saved_model.pb").read_bytes() == b"graph"


@pytest.mark.parametrize("name", ["frozen_graph.pb", "network.tflite", "network.keras"])
def test_an_archive_may_hold_a_network_that_is_one_file(name: str, tmp_path: Path) -> None:
    module = unpacked(archive({f"mobilenet/{name}": b"graph", "mobilenet/labels.txt": b"a"}), tmp_path)
    assert names(module) == sorted([name, "labels.txt"])
    assert network_in(module) == module / name


def test_an_archive_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    made(tmp_path / "module", ["old.pb"])
    assert names(unpacked(archive({"new.pb": b"graph"}), tmp_path)) == ["new.pb"]


def test_what_is_not_accepted_does_not_take_the_place_of_what_was_there(tmp_path: Path) -> None:
    made(tmp_path / "module", ["old.pb"])
    (tmp_path / "archive.tar.gz").write_bytes(archive({"net/new.pb": b"graph"}))
    seen: list[str] = []

    def refuse(folder: Path) -> None:
        seen.extend(names(folder))
        raise DownloadError("not wanted")

    with pytest.raises(DownloadError, match="not wanted"):
        unpack(tmp_path / "archive.tar.gz", tmp_path / "module", "archive.tar.gz", refuse)
    assert seen == ["new.pb"]
    assert names(tmp_path) == ["archive.tar.gz", "module/old.pb"]


SAVED_MODEL = ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]


@pytest.mark.parametrize(
    ("files", "network"),
    [
        (SAVED_MODEL, "."),
        (["saved_model.pb"], "."),
        (["saved_model.pb", "fingerprint.pb", "keras_metadata.pb"], "."),
        ([f"net/{file}" for file in SAVED_MODEL], "net"),
        (["graph.pb", "labels.txt"], "graph.pb"),
        (["network.tflite"], "network.tflite"),
        (["net/network.keras", "readme.txt"], "net/network.keras"),
        ([*SAVED_MODEL, "network.tflite"], "."),
        (["network.tflite", "net/saved_model.pb"], "network.tflite"),
        (["a/readme.txt", "b/graph.pb"], "b/graph.pb"),
        (["a.pb", "b.tflite"], "a.pb"),
        (["b.tflite", "a.keras"], "a.keras"),
        (["a.pb", "b.pb"], None),
        (["net/deeper/graph.pb"], None),
        (["labels.txt"], None),
        (["network.tflite/readme.txt"], None),
        ([], None),
    ],
)
def test_a_folder_holds_a_saved_model_or_one_file_or_no_network(
    files: list[str], network: str | None, tmp_path: Path
) -> None:
    assert network_in(made(tmp_path, files)) == (None if network is None else tmp_path / network)


def test_a_folder_that_is_not_there_holds_no_network(tmp_path: Path) -> None:
    assert network_in(tmp_path / "absent") is None


@pytest.mark.parametrize("lost", SAVED_MODEL)
@pytest.mark.parametrize("beside", [[], ["fingerprint.pb"], ["tfhub_module.pb"], ["keras_metadata.pb"]])
def test_half_a_saved_model_is_no_network(lost: str, beside: list[str], tmp_path: Path) -> None:
    made(tmp_path, [*(file for file in SAVED_MODEL if file != lost), *beside])
    assert network_in(tmp_path) is None


@pytest.mark.parametrize(
    ("shards", "whole"),
    [(["00000-of-00002", "00001-of-00002"], True), (["00001-of-00002"], False), ([], False)],
)
def test_a_saved_model_needs_all_its_shards(shards: list[str], whole: bool, tmp_path: Path) -> None:
    files = ["saved_model.pb", "variables/variables.index", *(f"variables/variables.data-{shard}" for shard in shards)]
    assert is_saved_model(made(tmp_path, files)) == whole


def test_a_real_keras_file_is_safe(tmp_path: Path) -> None:
    keras = import_tensorflow().keras
    path = tmp_path / "small.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    require_safe_keras(path)
    with zipfile.ZipFile(path) as file:
        assert set(file.namelist()) == set(KERAS)


@pytest.mark.parametrize("more", [{}, {"assets/": b""}, {"assets/words/vocabulary.txt": b"word"}])
def test_a_keras_file_of_known_members_is_safe(more: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "net.keras").write_bytes(keras_file({**KERAS, **more}))
    require_safe_keras(tmp_path / "net.keras")
    assert names(tmp_path) == ["net.keras"]


def of_another_version() -> bytes:
    """A zip archive that says that Python's reader is too old for it."""
    content = bytearray(keras_file(KERAS))
    needed = content.index(b"PK\x01\x02") + 6
    content[needed : needed + 2] = (99).to_bytes(2, "little")
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", WHOLE, keras_file(KERAS)[:-30], of_another_version()],
    ids=["empty", "text", "tar", "truncated", "version"],
)
def test_a_keras_file_that_is_no_zip_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "net.keras").write_bytes(content)
    with pytest.raises(DownloadError, match=r"net\.keras' is no whole \.keras file: .*") as error:
        require_safe_keras(tmp_path / "net.keras")
    assert "\n" not in error.value.problem


def test_a_keras_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"is no whole \.keras file: .*No such file"):
        require_safe_keras(tmp_path / "net.keras")


@pytest.mark.parametrize(
    "name",
    [
        "extra.py",
        "model.weights.h5.exe",
        "CONFIG.JSON",
        "deeper/config.json",
        "assets",
        "../config.json",
        "/config.json",
        "assets/../../outside",
        "assets/..",
        "assets/..\\..\\outside",
    ],
)
def test_a_keras_file_holds_its_own_members_only(name: str, tmp_path: Path) -> None:
    (tmp_path / "net.keras").write_bytes(keras_file({**KERAS, name: b"x"}))
    with pytest.raises(DownloadError) as error:
        require_safe_keras(tmp_path / "net.keras")
    assert f"'{name}' does not belong there; expected config.json, metadata.json, model.weights.h5" in str(error.value)


@pytest.mark.parametrize(("ratio", "refused"), [(200, True), (2000, False)])
def test_a_keras_file_does_not_unpack_to_a_thousand_times_its_size(
    ratio: int, refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.keras"
    path.write_bytes(keras_file({**KERAS, "model.weights.h5": b"\0" * 200_000}, zipfile.ZIP_DEFLATED))
    require_safe_keras(path)  # as small as that, it harms nobody
    monkeypatch.setattr(archives, "MAX_HEADER_BYTES", 1000)
    monkeypatch.setattr(archives, "MAX_RATIO", ratio)
    if refused:
        with pytest.raises(DownloadError, match=r"'model\.weights\.h5' unpacks to more than 200 times its size"):
            require_safe_keras(path)
    else:
        require_safe_keras(path)
    assert path.stat().st_size < 200_000 / 200


@pytest.mark.parametrize(("limit", "value"), [("MAX_BYTES", 10), ("MAX_MEMBERS", 2)])
def test_a_keras_file_that_is_too_large_is_refused(
    limit: str, value: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.keras").write_bytes(keras_file(KERAS))
    require_safe_keras(tmp_path / "net.keras")
    monkeypatch.setattr(archives, limit, value)
    with pytest.raises(DownloadError, match=r"'model\.weights\.h5' is too much"):
        require_safe_keras(tmp_path / "net.keras")


def test_an_archive_that_cannot_be_read_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="No such file"):
        unpack(tmp_path / "absent.tar.gz", tmp_path / "module", "absent.tar.gz")
    assert os.listdir(tmp_path) == []
