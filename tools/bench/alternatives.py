"""Servers compared with ours, written as their documentation recommends.

``original`` follows the description of the project that this one replaces: Flask, eager PyTorch,
torchvision's transforms, the whole picture squashed to 28x28. ``fastapi_app`` is a present-day
design on our ONNX file.
"""

import io
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image

from tools.samples import SHIPPED

NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def original() -> Any:
    import torch
    from flask import Flask, request

    from ml.lenet import LeNet
    from ml.training.data import import_torchvision

    import_torchvision()
    from torchvision import transforms

    app = Flask(__name__)
    model = LeNet().eval()
    preprocess = transforms.Compose(
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
            logits = model(preprocess(image)[None])
        return response(torch.softmax(logits, 1)[0].tolist())

    return app


def fastapi_app() -> Any:
    from fastapi import FastAPI, UploadFile

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(SHIPPED.read_bytes(), options)
    app = FastAPI()

    @app.post("/api/mnist")
    async def mnist(image: UploadFile) -> dict[str, Any]:
        grid = Image.open(io.BytesIO(await image.read())).convert("L").resize((28, 28))
        images = np.asarray(grid, dtype=np.uint8)[None]
        (probabilities,) = session.run(["probabilities"], {"images": images})
        return response(probabilities[0])

    return app


def response(probabilities: Any) -> dict[str, Any]:
    classes = [
        {"class_name": name, "label": label, "probability": float(probability)}
        for label, (name, probability) in enumerate(zip(NAMES, probabilities, strict=True))
    ]
    prediction = max(classes, key=lambda one: one["probability"])
    return {"success": True, "predictions": {"all": classes, "prediction": prediction}}
