"""Generated valid and invalid requests, checked against the OpenAPI document."""

import pytest
import schemathesis
from django.conf import settings as site
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mnist_site.load_shedding import LoadShedder

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
application = LoadShedder(get_wsgi_application(), site.MAX_PICTURE_BYTES)
schema = schemathesis.openapi.from_wsgi("/api/openapi.json", application)


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
@schema.parametrize()
@settings(max_examples=20, suppress_health_check=list(HealthCheck))
def test_response_matches_the_openapi_document(case):
    case.call_and_validate(checks=CHECKS, headers={"Host": "localhost"})
