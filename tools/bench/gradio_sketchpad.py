"""A Gradio sketchpad with our ONNX file: gradio_sketchpad.py MODEL PORT

It runs in an environment of its own, because Gradio needs other versions of our dependencies.
"""

import sys
from typing import Any

import gradio
import numpy as np
import onnxruntime

model, port = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(model, options)


def predict(drawing: dict[str, Any]) -> dict[str, float]:
    grid = drawing["composite"].convert("L").resize((28, 28))
    images = np.asarray(grid, dtype=np.uint8)[None]
    (probabilities,) = session.run(["probabilities"], {"images": images})
    return {str(digit): float(value) for digit, value in enumerate(probabilities[0])}


pad = gradio.Sketchpad(type="pil", image_mode="L")
gradio.Interface(predict, pad, gradio.Label(), live=True).launch(server_port=int(port), quiet=True)
