#!/usr/bin/env python
"""Django's command-line utility for this site."""

import os
import sys

from django.core.management import execute_from_command_line

from mnist_site.startup import short_errors

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mnist_site.settings")
    with short_errors():
        execute_from_command_line(sys.argv)
