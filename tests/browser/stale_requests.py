"""Rejection of requests that outlive the browser test that sent them."""

from django.http import HttpResponse

HEADER = "X-Test"
current_test: list[str] = []


class StaleRequestMiddleware:
    """Answer 410 to requests of an earlier test.

    Chromium continues requests with `keepalive` after their page is closed. One of them must not
    write into the database of the next test.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        test = request.headers.get(HEADER)
        if test is not None and test not in current_test:
            return HttpResponse("The test of this request has ended.", status=410)
        return self.get_response(request)
