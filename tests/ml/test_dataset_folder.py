"""Dataset folders in common formats: CSV, MNIST's format, strokes and pictures."""

import gzip
import json
import struct

import numpy as np
import pytest
from PIL import Image

from ml.preprocessing.ink import extract_ink
from ml.preprocessing.ink_grids import rasterize_ink
from ml.preprocessing.picture_files import open_picture
from ml.preprocessing.strokes import rasterize
from ml.training import dataset_folder
from ml.training.stroke_files import NON_DIGIT
from tools.resilience.hostile_inputs import saved
from tools.samples import SEVEN

GRID = rasterize(SEVEN)
PIXELS = ",".join(map(str, GRID.ravel().tolist()))
UNIT_PIXELS = ",".join(f"{level / 255:.4f}" for level in GRID.ravel().tolist())
NAMES = ",".join(f"pixel{number}" for number in range(784))
TEXT = f"label,{NAMES}\n7,{PIXELS}\n1,{PIXELS}\n"


@pytest.fixture
def read(tmp_path):
    """Return a function that writes files to a folder and reads the folder."""

    def write_and_read(contents):
        for name, content in contents.items():
            path = tmp_path / "mine" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return dataset_folder.read(tmp_path / "mine")

    return write_and_read


def labels(contents):
    return [label for _, label, _ in contents.records]


VARIANTS = {
    "header": TEXT,
    "no header": f"7,{PIXELS}\n1,{PIXELS}\n",
    "label last": f"{PIXELS},7\n{PIXELS},1\n",
    "header of label last": f"{NAMES},Class\n{PIXELS},7\n{PIXELS},1\n",
    "numbered header": f"{','.join(map(str, range(785)))}\n{PIXELS},7\n{PIXELS},1",
    "numbered pixels": f"label,{','.join(map(str, range(784)))}\n7,{PIXELS}\n1,{PIXELS}",
    "semicolon": TEXT.replace(",", ";"),
    "tab": TEXT.replace(",", "\t"),
    "spaces": TEXT.replace(",", ", "),
    "decimal label": f"7.0,{PIXELS}\n1.00,{PIXELS}\n",
    "blank lines": f"\n\n{TEXT}\n,,,\n  \n".replace("\n1", "\n \n1"),
    "BOM": "\ufeff" + TEXT,
    "UTF-16": TEXT.encode("utf-16"),
    "CRLF": TEXT.replace("\n", "\r\n"),
    "quotes": "\n".join('"' + line.replace(",", '","') + '"' for line in TEXT.splitlines()),
    "unit range": f"7,{UNIT_PIXELS}\n1,{UNIT_PIXELS}\n",
    "decimal comma": f"7;{UNIT_PIXELS}\n1;{UNIT_PIXELS}\n".replace(",", ";").replace(".", ","),
    "gzip": gzip.compress(TEXT.encode()),
}


@pytest.mark.parametrize("text", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("name", ["digits.csv", "Train.CSV"])
def test_read_csv_variant_gives_the_labels_and_images(read, text, name):
    contents = read({name: text})
    assert labels(contents) == [7, 1]
    assert all(np.array_equal(image, GRID) for image, _, _ in contents.records)


def test_read_csv_of_one_label_keeps_the_label(read):
    zeros = f"{PIXELS},7\n" * 2
    assert labels(read({"a.csv": zeros})) == [7, 7]
    assert labels(read({"a.csv": f"0,{PIXELS}\n"})) == [0]


def test_read_csv_non_digit_in_either_column(read):
    assert labels(read({"a.csv": f"?,{PIXELS}\n5,{PIXELS}"})) == [NON_DIGIT, 5]
    assert labels(read({"a.csv": f"{PIXELS},?\n{PIXELS},5"})) == [NON_DIGIT, 5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT.replace("255", "256"), "line 2 has the pixel 256, expected 0 to 255"),
        (TEXT.replace("255", "-1"), "line 2 has the pixel -1"),
        (TEXT.replace("255", "nan"), "line 2 has the pixel nan"),
        (TEXT.replace("255", "1e9"), "line 2 has the pixel inf"),
        (TEXT.replace("255", "?"), r"line 2 has '\?' in column \d+, expected a number"),
        (TEXT.replace("\n1", "\n10"), "line 3 has the label '10', expected 0 to 9"),
        (TEXT.replace("\n1", "\n1.5"), "line 3 has the label '1.5'"),
        (f"seven,{PIXELS}", "line 1 has 'seven' in column 1"),
        (TEXT + "3,0,0", "line 4 has 3 columns, expected 785"),
        (f"{PIXELS}\n", "line 1 has 784 columns"),
        (f"pixel0,label,{NAMES[7:]}\n", "line 1 has the label in column 2"),
        (TEXT + "x" * 200_000, "line 4 is not CSV: field larger"),
        (f"7,{PIXELS[:-1]}5\n1,{PIXELS[:-1]}6\n", "Add a header"),
    ],
)
def test_read_csv_with_an_error_names_file_and_line(read, text, message):
    with pytest.raises(ValueError, match=rf"mine cannot be used: digits\.csv: .*{message}"):
        read({"digits.csv": text})


IMAGES = struct.pack(">4i", 0x803, 2, 28, 28) + GRID.tobytes() * 2
LABELS = struct.pack(">2i", 0x801, 2) + bytes([7, 1])


@pytest.mark.parametrize(
    ("images", "digits"),
    [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
        ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
        ("emnist-digits-train-images-idx3-ubyte", "emnist-digits-train-labels-idx1-ubyte.gz"),
    ],
)
def test_read_idx_accepts_common_names_packed_or_not(read, images, digits):
    pack = {True: gzip.compress, False: bytes}
    contents = read(
        {images: pack[images.endswith(".gz")](IMAGES), digits: pack[digits.endswith(".gz")](LABELS)}
    )
    assert labels(contents) == [7, 1]
    assert np.array_equal(contents.records[1][0], GRID)


def test_read_idx_gives_train_and_t10k_once(read, tmp_path):
    contents = {f"{name}-images-idx3-ubyte": IMAGES for name in ("train", "t10k")}
    contents |= {f"{name}-labels-idx1-ubyte": LABELS for name in ("train", "t10k")}
    contents |= {f"{name}.gz": gzip.compress(content) for name, content in contents.items()}
    # Kaggle's archive has folders with the names of the files.
    (tmp_path / "mine" / "train-images.idx3-ubyte").mkdir(parents=True)
    assert labels(read(contents)) == [7, 1, 7, 1]


@pytest.mark.parametrize(
    ("images", "digits", "message"),
    [
        (IMAGES, LABELS[:-1] + b"\x0a", "has the label 10 for image 2, expected 0 to 9"),
        (IMAGES, b"abcd" + LABELS[4:], "labels-idx1-ubyte: the magic number is 0x61626364"),
        (b"\xff" * 4 + IMAGES[4:], LABELS, "images-idx3-ubyte: the magic number is 0xFFFFFFFF"),
        (IMAGES[:4] + b"\xff" * 4 + IMAGES[8:], LABELS, "images-idx3-ubyte: a count of -1 needs"),
        (IMAGES[:-1], LABELS, "needs 1584 bytes, but there are 1583"),
        (IMAGES + b"\0", LABELS, "needs 1584 bytes, but there are 1585"),
        (IMAGES[:10], LABELS, "images-idx3-ubyte: 10 bytes are less"),
        (
            IMAGES[:8] + struct.pack(">2i", 14, 56) + IMAGES[16:],
            LABELS,
            "images-idx3-ubyte: the images are 14x56, expected 28x28",
        ),
        (IMAGES, struct.pack(">2i", 0x801, 1) + b"\7", "2 images, but .* 1 labels"),
        (IMAGES, None, "has no file with its labels"),
        (b"\x1f\x8b" + IMAGES, LABELS, "images-idx3-ubyte: the gzip data is damaged"),
    ],
)
def test_read_idx_with_an_error_names_the_file(read, images, digits, message):
    contents = {"train-images-idx3-ubyte": images}
    if digits is not None:
        contents["train-labels-idx1-ubyte"] = digits
    with pytest.raises(ValueError, match=rf"mine cannot be used: .*{message}"):
        read(contents)


def encode(levels, format="PNG"):
    return saved(Image.fromarray(levels), format)


# A large picture, dark ink on light paper.
INK = np.pad(np.kron(255 - GRID, np.ones((9, 9), np.uint8)), 20, constant_values=255)


@pytest.mark.parametrize(
    ("name", "format"),
    [("a.PNG", "PNG"), ("a.jpg", "JPEG"), ("a.JPEG", "JPEG"), ("a.webp", "WEBP"), ("a.bmp", "BMP")],
)
def test_read_pictures_of_any_size_gives_the_grid_of_serving(read, name, format):
    content = encode(INK, format)
    ((image, label, _),) = read({f"7/{name}": content}).records
    assert label == 7
    assert np.array_equal(image, rasterize_ink(extract_ink(open_picture(content)).levels))


def test_read_28x28_pictures_accepts_both_polarities_and_transparency(read):
    transparent = np.dstack([np.zeros((28, 28, 3), np.uint8), GRID])
    words = (GRID.astype(np.uint16) << 8) + 255
    pictures = (GRID, 255 - GRID, transparent, words)
    contents = read({f"7/{n}.png": encode(picture) for n, picture in enumerate(pictures)})
    images = [image.astype(int) for image, _, _ in contents.records]
    assert np.array_equal(images[0], GRID)
    for image in images[1:]:
        assert np.abs(image - images[0]).mean() < 5


def test_read_pictures_in_named_folders_gives_their_labels(read):
    folders = ["0", "zero", "Nine", "not-a-digit"]
    contents = read({f"{folder}/a.png": encode(GRID) for folder in folders})
    assert sorted(labels(contents)) == [NON_DIGIT, 0, 0, 9]


def test_read_pictures_with_numbered_names_takes_each_as_its_own_drawing(read):
    one, two = encode(GRID), encode(np.roll(GRID, 1, axis=0))
    drawings = [drawing for _, _, drawing in read({"1/img-1.png": one, "1/img-2.png": two}).records]
    assert len(set(drawings)) == 2


def test_read_pictures_excludes_other_files_with_reasons(read):
    contents = read(
        {
            "7/a.png": encode(GRID),
            "7/._a.png": b"macOS",
            "7/.DS_Store": b"macOS",
            "7/notes.txt": b"notes",
            "7/blank.png": encode(GRID * 0),
            "7/white.png": encode(np.full((90, 90), 255, np.uint8)),
            "7/deeper/a.png": encode(GRID),
            "A/a.png": encode(GRID),
            "README": b"",
        }
    )
    assert labels(contents) == [7]
    assert dataset_folder.describe_exclusions(contents.exclusions) == [
        "2 excluded: hidden file (7/.DS_Store, …).",
        (
            "3 excluded: not in a folder named 0 to 9, zero to nine or not-a-digit"
            " (7/deeper/a.png, …)."
        ),
        "1 excluded: not a picture (.png, .jpg, .jpeg, .webp, .gif, .bmp) (7/notes.txt).",
        "2 excluded: blank (7/blank.png, …).",
    ]


def test_read_only_blank_pictures_raises_value_error_with_the_reason(read):
    with pytest.raises(ValueError, match=r"mine holds no digits\. 1 excluded: blank \(0/a\.png\)"):
        read({"0/a.png": encode(GRID * 0)})


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (b"no picture", "format is not supported"),
        (encode(INK)[:200], "cannot be decoded"),
        (encode(np.zeros((2500, 2500), np.uint8)), "has 2500x2500 pixels"),
        (encode(np.zeros((20_000, 10_000), np.uint8)), "too many pixels"),
    ],
    ids=["not a picture", "truncated", "too large", "bomb"],
)
def test_read_unusable_picture_raises_value_error_with_its_name(read, picture, message):
    with pytest.raises(ValueError, match=rf"mine cannot be used: 7/a\.png: .*{message}"):
        read({"7/a.png": picture})


def test_read_json_lines_excludes_numbers_and_other_labels_with_reasons(read):
    rows = [{"strokes": SEVEN, "label": label} for label in ("7", "?", "77", "seven")]
    contents = read({"digits.jsonl": "\n".join(map(json.dumps, rows))})
    assert labels(contents) == [7, NON_DIGIT]
    assert dataset_folder.describe_exclusions(contents.exclusions) == [
        "1 excluded: number; --strokes measures numbers (digits.jsonl).",
        "1 excluded: another label (digits.jsonl).",
    ]


@pytest.mark.parametrize(
    ("contents", "found"),
    [
        ({"digits.csv": TEXT, "7/a.png": encode(GRID)}, "CSV and pictures"),
        ({"a": b""}, "no digits"),
    ],
)
def test_read_folder_without_a_single_format_raises_value_error(read, contents, found):
    with pytest.raises(ValueError, match=f"it holds {found}, expected one of"):
        read(contents)
