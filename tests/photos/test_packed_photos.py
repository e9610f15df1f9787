import gzip
import io
import os
import struct
import tarfile
import threading
import tracemalloc
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from packing import PACKERS, raw_zip, tarred, zipped

from retrainer.errors import DatasetError, PictureError
from retrainer.photos import archives
from retrainer.photos.archives import is_archive, open_archive, reading_order, within_archive
from retrainer.photos.packed import contents, files
from retrainer.photos.packed.archive import Archive
from retrainer.photos.reading import read_file
from retrainer.system import tar_headers

MEMBERS = {f"cat/{number}.jpg": os.urandom(50 * number) for number in range(30)} | {"top/in/Ünï 猫.png": b"a picture"}


@pytest.mark.parametrize("kind", PACKERS)
def test_members_are_read_in_place_in_any_order(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"photos.{kind}"
    path.write_bytes(PACKERS[kind](MEMBERS))
    for name in reversed(MEMBERS):
        assert read_file(f"{path}/{name}") == MEMBERS[name]
    found = dict(open_archive(str(path)).members())
    assert list(found) == list(MEMBERS)
    assert [size for size, _, _ in found.values()] == list(map(len, MEMBERS.values()))
    assert len(set(found.values())) == len(MEMBERS)
    assert os.listdir(tmp_path) == [path.name]
    with pytest.raises(PictureError, match="the archive has no such file"):
        read_file(f"{path}/cat/30.jpg")


def test_a_path_leads_into_an_archive_as_into_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.zip").write_bytes(zipped(MEMBERS))
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8 a photo")
    (tmp_path / "folder.zip").mkdir()
    assert within_archive("a.zip/cat/1.jpg") == ("a.zip", "cat/1.jpg")
    assert within_archive("./a.zip//cat/./1.jpg") == ("./a.zip", "cat/1.jpg")
    assert within_archive("a.zip/") == within_archive("a.zip") == ("a.zip", "")
    assert [within_archive(path) for path in ("", "absent/1.jpg", "/", "folder.zip/1.jpg")] == [None] * 4
    assert read_file("./a.zip//cat/./1.jpg") == MEMBERS["cat/1.jpg"]
    folder = open_archive("a.zip").folder("")
    assert (folder.files, folder.folders) == ([], ["cat", "top"])
    assert [name for name, _ in open_archive("a.zip").folder("top/in").files] == ["Ünï 猫.png"]
    assert [is_archive(path) for path in ("a.zip", "photo.jpg", "folder.zip", "absent")] == [True, False, False, False]
    for path, reason in (
        ("photo.jpg/1.jpg", "expected a ZIP or tar archive, received another kind of file"),
        ("a.zip/../photo.jpg", "the archive has no such file"),
        ("folder.zip/1.jpg", "No such file"),
    ):
        with pytest.raises(PictureError, match=reason):
            read_file(path)


def test_a_plain_photo_needs_no_reader_of_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "1.jpg").write_bytes(b"a photo")
    monkeypatch.setattr(archives, "read_member", None)
    assert read_file(str(tmp_path / "1.jpg")) == b"a photo"


def test_an_archive_is_opened_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"1.jpg": b"before"}))
    opened: list[str] = []
    make = Archive

    def count(path: str, status: os.stat_result) -> Archive:
        opened.append(path)
        return make(path, status)

    monkeypatch.setattr(archives, "Archive", count)
    monkeypatch.chdir(tmp_path)
    assert [read_file("a.zip/1.jpg"), read_file(f"{path}/1.jpg")] == [b"before"] * 2
    stamps = dict(open_archive("a.zip").members())
    assert opened == ["a.zip"]
    path.write_bytes(zipped({"1.jpg": b"after!"}))
    assert read_file("a.zip/1.jpg") == b"after!"
    assert len(opened) == 2
    assert dict(open_archive("a.zip").members()) != stamps
    for number in range(20):
        (tmp_path / f"{number}.zip").write_bytes(zipped({"1.jpg": b"one of many"}))
        assert read_file(f"{number}.zip/1.jpg") == b"one of many"
    assert len(archives._KEPT) == 8


@pytest.mark.parametrize("kind", PACKERS)
def test_threads_read_one_archive_at_the_same_time(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"photos.{kind}"
    path.write_bytes(PACKERS[kind](MEMBERS))
    names = list(MEMBERS) * 8
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda name: read_file(f"{path}/{name}"), names)) == [MEMBERS[name] for name in names]


def test_an_archive_is_listed_by_one_thread_while_another_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("slow.zip", "quick.zip"):
        (tmp_path / name).write_bytes(zipped(MEMBERS))
    assert read_file(f"{tmp_path}/quick.zip/cat/1.jpg")
    began, may_end, make = threading.Event(), threading.Event(), Archive

    def wait(path: str, status: os.stat_result) -> Archive:
        began.set()
        assert may_end.wait(30)
        return make(path, status)

    monkeypatch.setattr(archives, "Archive", wait)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read_file, f"{tmp_path}/slow.zip/cat/2.jpg")
        assert began.wait(30)
        assert read_file(f"{tmp_path}/quick.zip/cat/2.jpg") == MEMBERS["cat/2.jpg"]
        may_end.set()
        assert reading.result() == MEMBERS["cat/2.jpg"]


def test_a_compressed_tar_is_unpacked_once_in_reading_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members = {f"{number % 7}/{number}.jpg": os.urandom(300_000) for number in range(40)}
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(tarred(members), 1))
    (tmp_path / "1.jpg").write_bytes(b"plain")
    paths = sorted(f"{tmp_path}/a.tar.gz/{name}" for name in members)
    # Threads that come a little early or late find what was unpacked before.
    monkeypatch.setattr(files, "_BLOCKS", 4)
    monkeypatch.setattr(archives, "_KEPT", OrderedDict())
    assert reading_order(paths) == list(range(40))
    open_archive(str(tmp_path / "a.tar.gz"))
    order = reading_order([*paths, f"{tmp_path}/1.jpg"])
    assert [([*paths, f"{tmp_path}/1.jpg"])[number].partition(".gz/")[2] for number in order] == ["", *members]
    rewinds: list[files.Unpacked] = []
    rewind = files.Unpacked._rewind

    def count(unpacked: files.Unpacked) -> None:
        rewinds.append(unpacked)
        rewind(unpacked)

    monkeypatch.setattr(files.Unpacked, "_rewind", count)
    for number in [order[i] for i in (2, 1, 3, 5, 4, *range(6, 41))]:
        assert read_file(paths[number]) == members[paths[number].partition(".gz/")[2]]
    assert len(rewinds) == 1
    assert read_file(paths[order[1]])
    assert len(rewinds) == 2


HOSTILE = {
    "../1.jpg": contents.BAD_NAMES,
    "a/../../1.jpg": contents.BAD_NAMES,
    "/etc/1.jpg": contents.BAD_NAMES,
    "C:/1.jpg": contents.BAD_NAMES,
    "a/" * 101 + "1.jpg": contents.BAD_NAMES,
    "a" * 5000: contents.BAD_NAMES,
}


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_members_that_lead_out_are_left_out(pack: Callable[..., bytes], tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(pack(dict.fromkeys([*HOSTILE, "./cat//1.jpg"], b"x")))
    archive = open_archive(f"{tmp_path}/a")
    assert [name for name, _ in archive.members()] == ["cat/1.jpg"]
    assert {name: reason for reason, names in archive.left_out.items() for name in names} == HOSTILE
    for name in HOSTILE:
        with pytest.raises(PictureError):
            read_file(f"{tmp_path}/a/{name}")


def test_links_devices_and_sparse_files_are_left_out(tmp_path: Path) -> None:
    kinds = {"sym": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "device": tarfile.CHRTYPE, "pipe": tarfile.FIFOTYPE}
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, kind in {**kinds, "cat": tarfile.DIRTYPE, "cat/1.jpg": tarfile.REGTYPE}.items():
            header = tarfile.TarInfo(name)
            header.type, header.linkname = kind, "/etc/passwd"
            archive.addfile(header, io.BytesIO())
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        link = zipfile.ZipInfo("sym")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        packed.writestr(link, "/etc/passwd")
        packed.writestr("cat/", "")
        packed.writestr("cat/1.jpg", "")
    for path, names in ((f"{tmp_path}/a.tar", list(kinds)), (f"{tmp_path}/a.zip", ["sym"])):
        opened = open_archive(path)
        assert [name for name, _ in opened.members()] == ["cat/1.jpg"]
        assert opened.left_out == {contents.NO_FILES: names}
        assert read_file(f"{path}/cat/1.jpg") == b""


def test_of_two_members_of_one_name_the_last_counts(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("cat/1.jpg", "first")
        with pytest.warns(UserWarning, match="Duplicate name"):
            packed.writestr("cat/1.jpg", "second")
    opened = open_archive(f"{tmp_path}/a.zip")
    assert [name for name, _ in opened.members()] == ["cat/1.jpg"]
    assert opened.left_out == {contents.TWICE: ["cat/1.jpg"]}
    assert read_file(f"{tmp_path}/a.zip/cat/1.jpg") == b"second"


def name_in(content: bytes, path: Path) -> str:
    path.write_bytes(content)
    ((name, _),) = open_archive(str(path)).members()
    assert read_file(f"{path}/{name}") == b"x"
    return name


def test_names_of_all_origins_are_read(tmp_path: Path) -> None:
    unicode = struct.pack("<2HBL", 0x7075, 5 + 6, 1, zlib.crc32(b"?.jpg")) + "é.jpg".encode()
    names = {
        raw_zip("é.jpg".encode(), b"x", 1 << 11): "é.jpg",
        raw_zip("é.jpg".encode(), b"x"): "é.jpg",  # as macOS writes it
        raw_zip(b"\x82.jpg", b"x"): "é.jpg",  # code page 437
        raw_zip(b"\xff.jpg", b"x", 1 << 11): "\udcff.jpg",
        raw_zip(b"?.jpg", b"x", 0, unicode): "é.jpg",
        raw_zip(b"cat\\1.jpg", b"x"): "cat/1.jpg",
        tarred({"cat/\udcff\n.jpg": b"x"}): "cat/\udcff\n.jpg",
    }
    for number, (content, name) in enumerate(names.items()):
        assert name_in(content, tmp_path / str(number)) == name


def test_encrypted_members_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(raw_zip(b"1.jpg", b"x", 1))
    assert open_archive(f"{tmp_path}/a.zip").left_out == {contents.ENCRYPTED: ["1.jpg"]}


@pytest.mark.parametrize("kind", PACKERS)
def test_a_truncated_archive_is_refused(kind: str, tmp_path: Path) -> None:
    content = PACKERS[kind](MEMBERS)
    for number, size in enumerate((len(content) // 3, len(content) // 2, len(content) * 2 // 3 + 100)):
        path = tmp_path / f"{number}.{kind}"
        path.write_bytes(content[:size])
        with pytest.raises(DatasetError, match=r"': the (ZIP|tar) archive is damaged or truncated"):
            open_archive(str(path))
        with pytest.raises(PictureError, match="archive is damaged or truncated"):
            read_file(f"{path}/cat/1.jpg")


def test_damaged_members_are_no_photos_and_the_others_are(tmp_path: Path) -> None:
    content = bytearray(zipped({"1.jpg": b"one" * 99, "2.jpg": b"two" * 99}, zipfile.ZIP_STORED))
    content[content.index(b"one")] ^= 1
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(PictureError, match="do not fit their checksum"):
        read_file(f"{tmp_path}/a.zip/1.jpg")
    assert read_file(f"{tmp_path}/a.zip/2.jpg") == b"two" * 99
    odd = bytearray(raw_zip(b"1.jpg", b"x"))
    odd[odd.index(b"PK\1\2") + 10] = 9  # Deflate64, as Windows writes large archives
    (tmp_path / "odd.zip").write_bytes(odd)
    with pytest.raises(PictureError, match="by method 9; expected deflated, bzip2 or stored"):
        read_file(f"{tmp_path}/odd.zip/1.jpg")
    (tmp_path / "lies.zip").write_bytes(raw_zip(b"1.jpg", b"x" * 100, size=1))
    with pytest.raises(PictureError, match="larger than its content"):
        read_file(f"{tmp_path}/lies.zip/1.jpg")


def test_any_changed_bit_gives_a_clear_error_or_the_photo(tmp_path: Path) -> None:
    members = {"cat/1.jpg": b"a photo of a cat", "dog/1.jpg": b"a dog"}
    for pack, checked in ((zipped, True), (lambda members: tarred(members)[:3072], False)):
        whole = pack(members)
        for change in range(0, 8 * len(whole), 8 * len(whole) // 300 | 1):
            content = bytearray(whole)
            content[change // 8] ^= 1 << (change % 8)
            (tmp_path / "a").write_bytes(content)
            for name, photo in members.items():
                with suppress(PictureError):
                    assert (read_file(f"{tmp_path}/a/{name}") == photo) or not checked


def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = bytes(3_000_000)
    (tmp_path / "harmless.zip").write_bytes(zipped({"1.bmp": zeros}))
    assert read_file(f"{tmp_path}/harmless.zip/1.bmp") == zeros
    monkeypatch.setattr(contents, "_HARMLESS", 2**20)
    (tmp_path / "a.zip").write_bytes(zipped({"1.bmp": zeros}))
    assert open_archive(f"{tmp_path}/a.zip").left_out == {contents.BOMBS: ["1.bmp"]}
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(tarred({"1.bmp": zeros})))
    with pytest.raises(DatasetError, match="they unpack to more than 200 times their size"):
        open_archive(f"{tmp_path}/a.tar.gz")
    monkeypatch.setattr("retrainer.photos.reading.MAX_BYTES", 10)
    (tmp_path / "large.tar").write_bytes(tarred({"1.bmp": bytes(11)}))
    with pytest.raises(PictureError, match="11 bytes are more than the limit of 10"):
        read_file(f"{tmp_path}/large.tar/1.bmp")


def header(size: int, kind: bytes = b"0") -> bytes:
    """The header of a tar for a size that may be negative, which the format can state."""
    content = bytearray(tarfile.TarInfo("1.jpg").tobuf()[:512])
    content[124:136], content[156:157], content[148:156] = size.to_bytes(12, "big", signed=True), kind, b" " * 8
    content[124] |= 0o200
    content[148:156] = b"%06o\0 " % sum(content)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (header(0) + header(-1024) + bytes(2048), "a size of -1,024 bytes"),
        (header(-512, b"x") + bytes(2048), "a size of -512 bytes"),
        (
            header(0) + header(16, b"x") + b"16 size=-999999\n" + bytes(496) + header(0) + bytes(2048),
            "a size of -999,999",
        ),
        (header(2**70) + bytes(2048), "int too big to convert"),
        ((header(512, b"L") + b"x" * 512) * 3000 + bytes(1024), "too many headers of one file"),
    ],
)
def test_headers_that_lead_back_or_pile_up_end_the_listing(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(DatasetError, match=reason):
        open_archive(f"{tmp_path}/a.tar")


def test_headers_and_numbers_of_members_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "long.tar").write_bytes(tarred({"a" * 300: b""}, tarfile.PAX_FORMAT))
    monkeypatch.setattr(tar_headers, "MAX_HEADER_BYTES", 100)
    with pytest.raises(DatasetError, match="a header of 3"):
        open_archive(f"{tmp_path}/long.tar")
    monkeypatch.setattr(contents, "MOST_MEMBERS", 2)
    (tmp_path / "many.zip").write_bytes(zipped(dict.fromkeys("abc", b"")))
    with pytest.raises(DatasetError, match="expected at most 2 files in an archive"):
        open_archive(f"{tmp_path}/many.zip")


def test_an_archive_of_more_than_four_gigabytes_is_read(tmp_path: Path) -> None:
    """Its numbers need 64 bits; the file is sparse, so that it takes no room."""
    path = tmp_path / "large.zip"
    with open(path, "wb") as file:
        file.seek(2**32 + 5)
        with zipfile.ZipFile(file, "a") as archive:
            for number in range(20):
                archive.writestr(zipfile.ZipInfo(f"cat/{number}.jpg"), b"%d" % number)
    assert read_file(f"{path}/cat/19.jpg") == b"19"
    assert len(open_archive(str(path)).folder("cat").files) == 20


@pytest.mark.slow
def test_a_list_of_many_members_takes_little_memory(tmp_path: Path) -> None:
    """More than 65,535 members need 64 bits, too. A list of `zipfile` would take 600 bytes for each."""
    path, count = tmp_path / "many.zip", 200_000
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            archive.writestr(zipfile.ZipInfo(f"class{number % 100:02d}/photo_{number:07d}.jpg"), b"%d" % number)
    tracemalloc.start()
    opened = open_archive(str(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(1 for _ in opened.members()) == count
    assert read_file(f"{path}/class99/photo_0199999.jpg") == b"199999"
    assert peak < 300 * count
