# Every command does its own set-up; Python 3.12 to 3.15 and make (3.81 or newer) are all it needs.
.DEFAULT_GOAL := help
# Each program with its path: macOS's make, 3.81, looks them up without regard to an exported PATH.
BIN := .venv/bin
.PHONY: ahead bench demo fix help lint lock test

# For what they start in turn.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# A cache inside the template would become part of what it generates.
export RUFF_NO_CACHE := true
export PYTHONDONTWRITEBYTECODE := 1
template := {{cookiecutter.project_slug}}
FRAMEWORK ?= django
ROUNDS := 3
SECONDS := 0.3
OUTPUT := docs
# What is to be released next of what serves.
ahead_django := git+https://github.com/django/django
ahead_flask := git+https://github.com/pallets/flask
ahead_gunicorn := git+https://github.com/benoitc/gunicorn
ahead_werkzeug := git+https://github.com/pallets/werkzeug
PACKAGE := flask
SOURCE = $(or $(ahead_$(PACKAGE)),$(error PACKAGE is '$(PACKAGE)', and no ahead_$(PACKAGE) says where to find it))
TEST_AHEAD = $(PACKAGE) @ $(SOURCE)

help:  ## Print this list
	@sed -n 's/^\([a-z]*\):.*##/\1 /p' Makefile | awk '{name = $$1; $$1 = ""; printf "make %-5s%s\n", name, $$0}'

demo:  ## Generate the default project and serve it by its Procfile; FRAMEWORK=flask for the other one
	@test -d '$(template)/layers/$(FRAMEWORK)' || \
		{ echo "FRAMEWORK is '$(FRAMEWORK)', and there is no $(template)/layers/$(FRAMEWORK)."; exit 1; }
	@rm -rf .demo && python=$$(sh '$(template)/bin/find-python') && "$$python" -m venv .demo/venv
	@echo "Installing Cookiecutter"
	@.demo/venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@echo "Generating .demo/my-project ($(FRAMEWORK))"
	@.demo/venv/bin/cookiecutter . --no-input --default-config --output-dir .demo framework=$(FRAMEWORK)
	@echo "Next, in another terminal: cd .demo/my-project && make help"
	@$(MAKE) --no-print-directory -C .demo/my-project serve

test: .venv/ready  ## Render, install, test and boot every variant; TEST_VARIANT=flask-3.14 or TESTS=FILE for a part of it
	$(BIN)/python -m pytest --numprocesses auto $(TESTS)

ahead: .venv/ready  ## Test projects with what PACKAGE=flask is developing, or with any requirement: TEST_AHEAD='django>=7a1'
	TEST_AHEAD='$(TEST_AHEAD)' $(BIN)/python -m pytest --numprocesses auto tests/test_inside.py \
		tests/test_contract.py tests/test_serve.py tests/test_commands.py::test_passes_its_own_tests_on_postgresql

bench: .venv/ready  ## Measure what a project costs beside the bare framework, into docs/: 20 minutes; ROUNDS=1 takes 12
	$(BIN)/python -m benchmarks --rounds $(ROUNDS) --seconds $(SECONDS) --output $(OUTPUT)

lint: .venv/ready  ## Check style and formatting here and inside the template, and the workflows
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml '$(template)'/.github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml '$(template)'/.github/dependabot.yml
	$(BIN)/zizmor --offline --quiet .github '$(template)/.github'

fix: .venv/ready  ## Mend what ruff can, here and inside the template, and format; it names what is left
	$(BIN)/ruff check --fix --exit-zero
	$(BIN)/ruff format
	@home=$$(sed -n 's#^Repository = "https://github.com/\(.*\)"#\1#p' pyproject.toml) && for file in *.md docs/*.md; do \
		sed -i.old "s#[A-Za-z0-9._-]*/cookiecutter-[A-Za-z0-9._-]*[A-Za-z0-9]#$$home#g" "$$file" && rm "$$file.old"; \
	done

lock: .venv/ready  ## Pin every variant's dependencies and our own; UPGRADE=--upgrade takes the newest releases
	@for lock in '$(template)'/layers/*/requirements.txt; do \
		layer=$$(dirname "$$lock") && name=$$(basename "$$layer") && framework=$${name##*-} && \
		option=$${name%"$$framework"} && rm -rf .demo && echo "$$name" && \
		$(BIN)/cookiecutter . --no-input --default-config --output-dir .demo framework=$$framework \
			$${option:+"$${option%-}=yes"} && \
		$(MAKE) --no-print-directory -C .demo/my-project lock && \
		cp .demo/my-project/requirements*.txt "$$layer" || exit; \
	done
	@echo "the template itself" && sh '$(template)/bin/lock'
	@echo "what the benchmark compares it with" && $(BIN)/uv pip compile --quiet --group bench --universal \
		--python-version 3.12 --generate-hashes --no-annotate --exclude-newer "$${MIN_AGE:-7 days}" \
		--custom-compile-command "make lock" $(UPGRADE) --output-file benchmarks/requirements.txt

.venv/ready: .python-version requirements-test.txt
	@sh '$(template)/bin/install'
	@touch $@
