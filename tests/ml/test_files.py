"""Bounded decompression and atomic replacement of files."""

import bz2
import errno
import gzip
import lzma
import os

import pytest

from ml import files
from ml.files import read_file, read_lines, write_file


@pytest.mark.parametrize("name", ["digits.csv", "digits.csv.gz"])
def test_read_file_plain_and_gzipped_files_gives_the_content(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"content"))
    assert read_file(path) == b"content"
    (tmp_path / "plain").write_bytes(b"content")
    assert read_file(tmp_path / "plain") == b"content"


@pytest.mark.parametrize("pack", [gzip.compress, bytes], ids=["gzip", "plain"])
def test_read_file_content_above_the_limit_raises_value_error(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(files, "MAX_SIZE", 1_000)
    path = tmp_path / "file"
    path.write_bytes(pack(bytes(1_000)))
    assert len(read_file(path)) == 1_000
    path.write_bytes(pack(bytes(1_001)))
    with pytest.raises(ValueError, match="larger than 1,000 bytes"):
        read_file(path)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"PK\x03\x04", "ZIP"),
        (b"\x1f\x9d\x90", r"compress \(\.Z\)"),
        (bz2.compress(b"content"), "bzip2"),
        (lzma.compress(b"content"), "xz"),
    ],
)
def test_read_file_of_another_compression_raises_value_error(tmp_path, content, name):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match=rf"compressed with {name}\. Unpack it, or use gzip"):
        read_file(tmp_path / "file")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_read_lines_decode_text_without_byte_order_mark(encoding):
    assert list(read_lines("á\nb\r\n".encode(encoding))) == ["á\n", "b\r\n"]


def test_write_file_replaces_the_file(tmp_path):
    path = tmp_path / "file"
    write_file(path, "old")
    write_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_write_file_follows_links(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    write_file(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_write_file_to_a_pipe_keeps_the_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR)
    try:
        write_file(pipe, b"new")
        assert os.read(reader, 9) == b"new"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_write_file_to_a_full_disk_keeps_the_file_and_names_it(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    (tmp_path / "file.partial").symlink_to("/dev/full")
    with pytest.raises(OSError, match="file") as caught:
        write_file(path, "new" * 100)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
