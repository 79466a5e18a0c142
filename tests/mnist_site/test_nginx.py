"""The proxy headers that docs/deploy.md recommends, through a real nginx on an unusual port."""

import re
import shutil
import subprocess
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

from tests.mnist_site.polling import TIMEOUT, wait_until
from tools.samples import ROOT
from tools.server import free_port, serve

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

CONFIGURATION = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {site}; {recommended} }} }}
}}
"""


@pytest.fixture
def proxy(tmp_path, static_files):
    """Start the site behind nginx with the recommended headers; return the proxy's URL."""
    recommended = re.findall(r"proxy_set_header .+;", (ROOT / "docs" / "deploy.md").read_text())
    port = free_port()
    file = tmp_path / "nginx.conf"
    with serve(tmp_path, TRUSTED_PROXIES="1") as site:
        file.write_text(
            CONFIGURATION.format(
                folder=tmp_path, port=port, site=site, recommended=" ".join(recommended)
            )
        )
        nginx = subprocess.Popen(
            [NGINX, "-c", str(file), "-e", str(tmp_path / "error.log")],
            stderr=subprocess.DEVNULL,
        )
        wait_until((tmp_path / "nginx.pid").exists)
        yield f"http://127.0.0.1:{port}"
        nginx.terminate()
        nginx.wait(TIMEOUT)


def test_sign_in_through_nginx_on_another_port_passes_the_csrf_check(proxy):
    url = f"{proxy}/admin/login/"
    opener = build_opener(HTTPCookieProcessor())
    with opener.open(url, timeout=TIMEOUT) as form:
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', form.read().decode())[1]
    body = urlencode({"csrfmiddlewaretoken": token, "username": "owner", "password": "wrong"})
    with opener.open(Request(url, body.encode(), {"Origin": proxy}), timeout=TIMEOUT) as answer:
        assert b"Please enter the correct username" in answer.read()
