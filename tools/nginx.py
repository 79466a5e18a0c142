"""nginx with the configuration of docs/deploy.md (Debian: apt-get install nginx-light)."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

from tools.samples import ROOT
from tools.server import free_port, wait_for_port

# For an unprivileged process without files outside its folder, on an idle and a loaded machine.
CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  keepalive_requests 1000000;
  {documented}
}}
"""


@contextmanager
def nginx(folder: Path, sites: Sequence[str]) -> Iterator[str]:
    """Start the documented proxy for the sites; yield its base URL."""
    port = free_port()
    file = folder / "nginx.conf"
    file.write_text(
        CONFIGURATION.format(folder=folder, documented=documented_configuration(port, sites))
    )
    proxy = subprocess.Popen(["nginx", "-c", str(file)])
    try:
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        proxy.terminate()
        proxy.wait()


def documented_configuration(port: int, sites: Sequence[str]) -> str:
    """Return the configuration of docs/deploy.md, listening on a port in front of the sites."""
    text = (ROOT / "docs" / "deploy.md").read_text()
    block = text.partition("such as nginx with\n\n")[2].partition("\n\nand set")[0]
    servers = " ".join(f"server {site.removeprefix('http://')};" for site in sites)
    return (
        dedent(block)
        .replace("server 127.0.0.1:8000;", servers)
        .replace("server {", f"server {{ listen 127.0.0.1:{port};")
    )
