"""The ONNX file behind LitServe: python -m tools.bench.litserve_api PORT"""

import sys
from typing import Any

import litserve

from tools.bench.alternatives import read


class API(litserve.LitAPI):
    def setup(self, device: str) -> None:
        """The session is made with the first picture."""

    def decode_request(self, request):
        return request["image"].file.read()

    def predict(self, x: bytes) -> dict[str, Any]:
        return read(x)

    def encode_response(self, output):
        return output


if __name__ == "__main__":
    server = litserve.LitServer(API(api_path="/api/mnist"), accelerator="cpu")
    server.run(port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
