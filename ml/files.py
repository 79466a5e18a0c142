"""Bounded decompression and atomic replacement of files."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

# Of a decompressed file: the 240,000 digits of EMNIST take 440 MB as CSV.
MAX_SIZE = 512 * 2**20
GZIP_MAGIC = b"\x1f\x8b"
# First bytes of other compressed files.
UNSUPPORTED = {
    b"PK\x03\x04": "ZIP",
    b"\x1f\x9d": "compress (.Z)",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
}
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_file(path: Path) -> bytes:
    """Return the content of a file, decompressed if it is gzipped.

    Raises OSError for an unreadable file, and ValueError for a damaged, too large or otherwise
    compressed one.
    """
    with path.open("rb") as file:
        is_gzip = file.peek(2).startswith(GZIP_MAGIC) or path.suffix == ".gz"
        source = gzip.GzipFile(fileobj=file) if is_gzip else file
        try:
            content = source.read(MAX_SIZE + 1)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"the gzip data is damaged: {error}. Copy the file again.") from error
    if len(content) > MAX_SIZE:
        raise ValueError(f"the content is larger than {MAX_SIZE:,} bytes. Split the file.")
    for magic, name in UNSUPPORTED.items():
        if content.startswith(magic):
            raise ValueError(f"the file is compressed with {name}. Unpack it, or use gzip.")
    return content


def read_lines(content: bytes) -> Iterator[str]:
    """Yield the lines of UTF-8 or UTF-16 text with their line ends; drop a byte order mark."""
    encoding = "utf-16" if content.startswith(UTF_16) else "utf-8-sig"
    return io.TextIOWrapper(io.BytesIO(content), encoding, errors="replace", newline="")


def write_file(path: Path, content: bytes | str) -> None:
    """Replace a file; a failed write leaves the previous file.

    Links are followed; pipes and devices are written. Raises OSError with the file's name.
    """
    data = content.encode() if isinstance(content, str) else content
    target = path.resolve()
    partial = target.with_name(f"{target.name}.partial")
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)
        else:
            partial.write_bytes(data)
            partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        # The operating system names no file for a failed write.
        raise OSError(error.errno, error.strerror, str(path)) from error
