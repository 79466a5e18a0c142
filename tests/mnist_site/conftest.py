"""Functions of several tests of the site."""

import json

from tests.conftest import run_python

READ = """
import json
from django.conf import settings
print(json.dumps([getattr(settings, name) for name in {names}], default=str))
"""


def read_settings(*names, **environment):
    """Return settings of a site with an environment."""
    done = run_python(READ.format(names=names), SECRET_KEY="x" * 60, **environment)
    return json.loads(done.stdout)
