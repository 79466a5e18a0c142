"""What the service is measured against, as the documentation of each would have one write it.

``original`` is built after the description of the project this one replaces: Flask, PyTorch in
eager mode, torchvision's transforms, the whole picture squashed to 28x28. ``fastapi_app``, and
LitServe in a module of its own, are what one would write today, on the ONNX file that serves here.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image

WEIGHTS = Path(__file__).parents[2] / "ml" / "weights" / "lenet.onnx"
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def answer(probabilities: Any) -> dict[str, Any]:
    every = [
        {"class_name": name, "label": label, "probability": float(probability)}
        for label, (name, probability) in enumerate(zip(NAMES, probabilities, strict=True))
    ]
    best = max(every, key=lambda one: one["probability"])
    return {"success": True, "predictions": {"all": every, "prediction": best}}


def original() -> Any:
    import torch
    from flask import Flask, request

    from ml.lenet import LeNet
    from ml.training.data import import_torchvision

    import_torchvision()
    from torchvision import transforms

    app = Flask(__name__)
    net = LeNet().eval()
    prepare = transforms.Compose(
        [
            transforms.Grayscale(),
            transforms.Resize((28, 28)),
            transforms.ToTensor(),
            transforms.Normalize((0.1307,), (0.3081,)),
        ]
    )

    @app.post("/api/mnist")
    def mnist() -> dict[str, Any]:
        image = Image.open(io.BytesIO(request.files["image"].read()))
        with torch.no_grad():
            logits = net(prepare(image)[None])
        return answer(torch.softmax(logits, 1)[0].tolist())

    return app


def read(picture: bytes) -> dict[str, Any]:
    image = Image.open(io.BytesIO(picture)).convert("L").resize((28, 28))
    images = np.asarray(image, dtype=np.uint8)[None]
    (probabilities,) = _session().run(["probabilities"], {"images": images})
    return answer(probabilities[0])


def fastapi_app() -> Any:
    from fastapi import FastAPI, UploadFile

    app = FastAPI()

    @app.post("/api/mnist")
    async def mnist(image: UploadFile) -> dict[str, Any]:
        return read(await image.read())

    return app


_sessions: list[onnxruntime.InferenceSession] = []


def _session() -> onnxruntime.InferenceSession:
    if not _sessions:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        _sessions.append(onnxruntime.InferenceSession(WEIGHTS.read_bytes(), options))
    return _sessions[0]
