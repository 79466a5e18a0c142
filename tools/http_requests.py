"""HTTP requests as bytes."""


def request(
    method: str, path: str, body: bytes = b"", content_type: str = "", *headers: str
) -> bytes:
    """Return the bytes of a request; ``headers`` may replace Content-Length."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    if not any(line.startswith(("Content-Length", "Transfer-Encoding")) for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def multipart(content: bytes, field: str = "image") -> tuple[bytes, str]:
    """Return a multipart body with one file, and its content type."""
    boundary = "-" * 20 + "digits"
    disposition = f'Content-Disposition: form-data; name="{field}"; filename="drawing.jpg"'
    head = f"--{boundary}\r\n{disposition}\r\nContent-Type: image/jpeg\r\n\r\n"
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"
