"""A style of writing that is read badly, logged, reviewed, trained, promoted: is it read then?

    python -m tools.close_the_loop FILE [--full] [--picture docs/images/closing-the-loop.png]

FILE has real pen strokes, UNIPEN or JSON Lines. The style is made of its zeros by rule: slashed
ones. Everything happens in a database of its own. The quick training is run without the labels
too; the full one is not: without labels it made the model that ships.
docs/closing-the-loop.md tells the story.
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

# Of the ink's box: how far the slash sticks out on each side.
BEYOND = 0.1
# Of the pad, in pixels: as people draw.
TALL = 180
# That are no digits, of kinds that are never trained on.
SHAPES = 1_200
REASON = "it is the loop that is to be shown"


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--full", action="store_true", help="train for 50 epochs, not for 7")
    parser.add_argument("--picture", type=Path, help="draw what changed")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/db.sqlite3"
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        django.setup()
        call_command("migrate", verbosity=0)
        close(options.file, Path(folder), options.picture, full=options.full)


def close(file: Path, folder: Path, picture: Path | None, *, full: bool) -> None:
    """Go once round, printing what is measured."""
    from recognizer.serving import current_classifier, serving_model

    known, unseen = data.split_writers(stroke_files.read_digits(file))
    shipped = current_classifier()
    logged = log([slashed(digit.strokes) for digit in known if digit.label == 0])
    sets = {
        "slashed zeros, labeled, held out": [one for id, one in logged.items() if is_held_out(id)],
        "slashed zeros of writers never logged": [
            slashed(digit.strokes) for digit in unseen if digit.label == 0
        ],
        "plain zeros of the same writers": [digit.strokes for digit in unseen if digit.label == 0],
    }
    models = {"shipped": shipped}
    recipe = [f"--strokes={file}"] if full else ["--quick", f"--strokes={file}"]
    if not full:
        models["without labels"] = train(folder / "without.onnx", recipe)
    learned = train(folder / "learned.onnx", [*recipe, "--with-labeled", "--register"])
    models["with labels"] = learned
    call_command("models", "compare", learned.version)
    call_command("models", "promote", learned.version, reason=REASON)
    serving_model.check_now()
    assert current_classifier().sha256 == learned.sha256
    report(models, sets)
    if picture:
        draw(shipped, learned, sets["slashed zeros of writers never logged"], picture)


def slashed(drawing: Strokes) -> Strokes:
    """A zero as engineers write it, drawn as large as people draw on the pad."""
    x, y, width, height = bounding_box(drawing)
    scale = TALL / max(width, height, 1)
    zero = [[[(a - x) * scale, (b - y) * scale] for a, b, *_ in stroke] for stroke in drawing]
    width, height = width * scale, height * scale
    over, under = (width * (1 + BEYOND), -height * BEYOND), (-width * BEYOND, height * (1 + BEYOND))
    return [*zero, [list(over), list(under)]]


def log(drawings: list[Strokes]) -> dict[str, Strokes]:
    """Keep drawings as the page does and label them as a reviewer does; return them by UUID."""
    from django.contrib.auth.models import User

    from recognizer import drawings
    from recognizer.models import Digit, Label, Source

    kept = {str(UUID(int=number)): drawing for number, drawing in enumerate(drawings)}
    for id, drawing in kept.items():
        drawings.save(UUID(id), drawing, Source.PAGE)
    read = Counter(Digit.objects.values_list("text", flat=True))
    reviewer = User.objects.create_user("reviewer", is_staff=True)
    # What was taken for several digits cannot be labeled as one.
    whole = Digit.objects.filter(drawing__text__in=Label.values)
    changed = drawings.label_as_reviewer(whole, "0", reviewer)
    print(f"{len(kept)} slashed zeros kept, read as {dict(read)}; {changed} labeled 0")
    return kept


def train(output: Path, options: list[str]) -> Classifier:
    call_command("train", *options, f"--output={output}")
    return Classifier(output.read_bytes())


def report(models: dict[str, Classifier], sets: dict[str, list[Strokes]]) -> None:
    """Print how many zeros each model does not read as such, and its errors on other sets."""
    print(f"\n{'errors':40}", *(f"{name:>15}" for name in models), f"{'of':>7}")
    for name, drawings in sets.items():
        errors = [sum(predict_strokes(model, one).text != "0" for one in drawings)
                  for model in models.values()]  # fmt: skip
        print(f"{name:40}", *(f"{count:15}" for count in errors), f"{len(drawings):7}")
    for name in ("held_out_strokes", "mnist_test"):
        stated = [model.facts["metrics"][name] for model in models.values()]
        print(f"{name:40}", *(f"{one['errors']:15}" for one in stated), f"{stated[0]['of']:7}")
    shapes = outliers.draw(outliers.HELD_OUT, SHAPES, seed=0).numpy()
    taken = [sum(model.verdict(row) is not Verdict.NOT_A_DIGIT for row in model.predict(shapes))
             for model in models.values()]  # fmt: skip
    print(f"{'shapes taken for digits':40}", *(f"{count:15}" for count in taken), f"{SHAPES:7}")


def draw(before: Classifier, after: Classifier, drawings: list[Strokes], path: Path) -> None:
    """Draw the first of them as the net sees them, with both readings."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, drawing in zip(figure.subplots(3, 8).flat, drawings, strict=False):
        axes.imshow(rasterize(drawing), cmap="gray_r")
        readings = [predict_strokes(model, drawing).text for model in (before, after)]
        axes.set_title(" → ".join(readings), size=10)
        axes.axis("off")
    figure.savefig(path)


if __name__ == "__main__":
    main()
