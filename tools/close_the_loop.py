"""A trial of labeling, training and promotion with a handwriting style the model rejects.

    python -m tools.close_the_loop FILE [--full] [--picture docs/images/closing-the-loop.png]

FILE is a stroke file, UNIPEN or JSON Lines. A slash is added to its zeros. The trial saves, labels,
trains and promotes in a temporary database and compares the errors before and after. The quick
training also runs without labels; the full training without labels is the shipped model.
docs/models.md contains the results.
"""

import os
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import django
from django.core.management import call_command

from ml.classifier import Classifier, Verdict
from ml.preprocessing.strokes import Strokes, bounding_box, rasterize
from ml.recognition import predict_strokes
from ml.training import data, outliers, stroke_files
from ml.training.dataset_folder import is_held_out

# Length of the slash beyond each corner of the ink's box, relative to the box.
SLASH_MARGIN = 0.1
# Size of a drawing on the page, in pixels.
DRAWING_SIZE = 180
# Generated outliers of kinds excluded from training.
OUTLIERS = 1_200
REASON = "trial of labeling, training and promotion"


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--full", action="store_true", help="train 50 epochs instead of 10")
    parser.add_argument("--picture", type=Path, help="file for a figure of the changed predictions")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/db.sqlite3"
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        django.setup()
        call_command("migrate", verbosity=0)
        run(options.file, Path(folder), options.picture, full=options.full)


def run(file: Path, folder: Path, picture: Path | None, *, full: bool) -> None:
    from recognizer.serving import current_classifier, serving_model

    training, unseen = data.split_writers(stroke_files.read_digits(file))
    shipped = current_classifier()
    zeros = [sample.strokes for sample in unseen if sample.label == 0]
    saved = save_and_label([add_slash(one.strokes) for one in training if one.label == 0])
    drawings = {
        "slashed zeros, labeled, held out": [one for id, one in saved.items() if is_held_out(id)],
        "slashed zeros of unseen writers": [add_slash(strokes) for strokes in zeros],
        "plain zeros of the same writers": zeros,
    }
    models = {"shipped": shipped}
    recipe = [f"--strokes={file}"] if full else ["--quick", f"--strokes={file}"]
    if not full:
        models["without labels"] = train(folder / "without.onnx", recipe)
    candidate = train(folder / "candidate.onnx", [*recipe, "--with-labeled", "--register"])
    models["with labels"] = candidate
    call_command("models", "compare", candidate.version)
    call_command("models", "promote", candidate.version, reason=REASON)
    serving_model.check_now()
    assert current_classifier().sha256 == candidate.sha256
    report(models, drawings)
    if picture:
        plot(shipped, candidate, drawings["slashed zeros of unseen writers"], picture)


def add_slash(strokes: Strokes) -> Strokes:
    """Return a zero with a slash through it, scaled to the size of a drawing on the page."""
    x, y, width, height = bounding_box(strokes)
    scale = DRAWING_SIZE / max(width, height, 1)
    zero = [[[(a - x) * scale, (b - y) * scale] for a, b, *_ in stroke] for stroke in strokes]
    width, height = width * scale, height * scale
    top_right = [width * (1 + SLASH_MARGIN), -height * SLASH_MARGIN]
    bottom_left = [-width * SLASH_MARGIN, height * (1 + SLASH_MARGIN)]
    return [*zero, [top_right, bottom_left]]


def save_and_label(zeros: list[Strokes]) -> dict[str, Strokes]:
    """Save drawings like the page, label them like a reviewer, and return them by UUID."""
    from django.contrib.auth.models import User

    from recognizer import drawings
    from recognizer.models import Digit, Label, Source

    saved = {str(UUID(int=number)): strokes for number, strokes in enumerate(zeros)}
    for id, strokes in saved.items():
        drawings.save(UUID(id), strokes, Source.PAGE)
    predicted = Counter(Digit.objects.values_list("text", flat=True))
    reviewer = User.objects.create_user("reviewer", is_staff=True)
    # Zeros segmented into several digits have no label.
    single = Digit.objects.filter(drawing__text__in=Label.values)
    labeled = drawings.label_as_reviewer(single, "0", reviewer)
    print(f"{len(saved)} slashed zeros saved, predictions {dict(predicted)}; {labeled} labeled 0")
    return saved


def train(output: Path, options: list[str]) -> Classifier:
    call_command("train", *options, f"--output={output}")
    return Classifier(output.read_bytes())


def report(models: dict[str, Classifier], zeros: dict[str, list[Strokes]]) -> None:
    """Print the errors of each model on zeros, strokes, MNIST and outliers."""
    print(f"\n{'errors':40}", *(f"{name:>15}" for name in models), f"{'of':>7}")
    for name, drawings in zeros.items():
        errors = [
            sum(predict_strokes(model, strokes).text != "0" for strokes in drawings)
            for model in models.values()
        ]
        print_row(name, errors, len(drawings))
    for name in ("held_out_strokes", "mnist_test"):
        metrics = [model.facts["metrics"][name] for model in models.values()]
        print_row(name, [one["errors"] for one in metrics], metrics[0]["of"])
    grids = outliers.generate_grids(outliers.HELD_OUT, OUTLIERS, seed=0).numpy()
    accepted = [
        sum(model.verdict(row) is not Verdict.NOT_A_DIGIT for row in model.predict(grids))
        for model in models.values()
    ]
    print_row("outliers accepted as digits", accepted, OUTLIERS)


def print_row(name: str, errors: list[int], total: int) -> None:
    print(f"{name:40}", *(f"{count:15}" for count in errors), f"{total:7}")


def plot(before: Classifier, after: Classifier, drawings: list[Strokes], path: Path) -> None:
    """Plot the first drawings as model input, with the predictions of both models."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, strokes in zip(figure.subplots(3, 8).flat, drawings, strict=False):
        axes.imshow(rasterize(strokes), cmap="gray_r")
        predicted = [predict_strokes(model, strokes).text for model in (before, after)]
        axes.set_title(" → ".join(predicted), size=10)
        axes.axis("off")
    figure.savefig(path)


if __name__ == "__main__":
    main()
