"""manage.py predict."""

import pytest
from django.core.management import CommandError

from ml.recognition import predict_strokes
from recognizer import drawings
from tests.conftest import call
from tools.samples import SEVEN


def test_predict_prints_predictions_and_counts_unreadable_files(tmp_path, png):
    good, bad = tmp_path / "7.png", tmp_path / "bad.png"
    good.write_bytes(png)
    bad.write_bytes(b"not a picture")
    assert f"{good}: 7 (digit" in call("predict", good)
    with pytest.raises(CommandError, match="1 of 2 files"):
        call("predict", good, bad)


def test_predict_prints_lines_of_digits_on_one_line(tmp_path, png, monkeypatch, shipped):
    lines = [[[x / 2, 0.4 * y + top] for x, y, _ in SEVEN[0]] for top in (0, 140)]
    prediction = predict_strokes(shipped, lines)
    assert prediction.text == "7\n7"
    monkeypatch.setattr(drawings, "predict", lambda picture: prediction)
    file = tmp_path / "7.png"
    file.write_bytes(png)
    (line,) = call("predict", file).splitlines()
    assert line.startswith(f"{file}: 7 7 (digit")
