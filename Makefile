# Two commands for everybody: `make report` and `make test`. Both do their own set-up, once; after it no network is needed.
# 两条命令：make report（生成报告）、make test（运行测试）。首次运行会自动准备环境，之后无需联网。

MAKEFLAGS += --no-print-directory
.SILENT:
.DEFAULT_GOAL := help
.PHONY: help report check verify numbers lab test test-slow validate attacks catalogue faults lint notebooks environment lock clean

STUDY ?= demo
WAVE ?=
PERIOD ?=
WORKERS ?= 2
PY := .venv/bin/python
WORKBENCH := .venv/bin/workbench
# One thread a process: sums keep their last digits, and two workers do not fight for two cores.
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 1
# Byte code is kept in .venv, whatever the shell says: without it every kernel compiles pandas and scipy again.
unexport PYTHONDONTWRITEBYTECODE
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout 120 --nbval-sanitize-with nbval.cfg
# A study that somebody works on in this shell is not the one to be tested.
PYTEST := env -u WORKBENCH_STUDY -u WORKBENCH_WAVE $(PY) -m pytest
# A worker that a hanging test has taken along is not begun again with the same test.
PARALLEL := -n $(WORKERS) --dist loadscope --max-worker-restart 0

help: # this list
	sed -n 's/^\([a-z-]*\):.*# \(.*\)/make \1 # \2/p' Makefile | awk -F' # ' '{printf "%-18s %s\n", $$1, $$2}'

report: .venv/.ready # the report of STUDY (default demo), latest wave or WAVE, or the months of PERIOD  生成报告
	$(WORKBENCH) report "$(STUDY)" $(WAVE) $(if $(PERIOD),--period "$(PERIOD)")

check: .venv/.ready # is the folder of STUDY in order, and what arrived for WAVE?  检查资料
	$(WORKBENCH) check "$(STUDY)" $(WAVE) || [ $$? = 1 ] # 1: something to look at

verify: .venv/.ready # is every byte stored for STUDY what was written, and what arrived what was recorded?  检查存储
	$(WORKBENCH) verify "$(STUDY)" || [ $$? = 1 ] # 1: other files arrived since

numbers: .venv/.ready # our numbers beside those of other programs  数值对照
	$(WORKBENCH) verify

lab: .venv/.ready # JupyterLab on copies of the notebooks  打开笔记本
	$(WORKBENCH) lab "$(STUDY)" $(WAVE)

test: lint # lint, all tests but the slow ones, every notebook cell against its stored output  运行测试
	$(PYTEST) tests notebooks -m "not slow" $(NBVAL) $(PARALLEL)

test-slow: .venv/.spark # the slow tier  运行慢速测试
	$(PYTEST) tests -m slow $(PARALLEL)

validate: .venv/.ready # by hand, some hours: 10,000 spoilt files, 1,000 kills, coverage of intervals  逐一检验
	WORKBENCH_FUZZ=10000 $(PYTEST) tests/survey/fuzz -m "not slow" -n $(WORKERS) --dist load
	WORKBENCH_KILLS=1000 $(PYTEST) tests/survey/store/test_kills.py -m slow -s
	$(PY) -m tests.simulation.table
	$(PY) -m tests.simulation.scales_table
	$(PY) -m tests.simulation.mixed_table

faults: .venv/.ready # write docs/faults.md again: what becomes of every fault of disk, power, memory and neighbours
	$(PY) -m tests.survey.store.table

attacks: .venv/.ready # write docs/attacks.md again: what readers find who try to work out what is hidden, rules on and off
	$(PY) -m tests.analysis.attack_table

catalogue: .venv/.ready # write docs/bad-input.md again: what becomes of every case of bad input
	$(PY) -m tests.survey.catalogue.table

lint: .venv/.ready # ruff, mypy, import directions  代码检查
	$(PY) -m ruff check --quiet --output-format concise .
	$(PY) -m ruff format --check --quiet --output-format concise .
	$(PY) -m mypy --no-error-summary
	$(PYTEST) tests/rooms/test_imports.py

notebooks: .venv/.ready # execute the committed notebooks on the demo again, after a change meant to alter numbers
	$(WORKBENCH) refresh

environment: .venv/.ready # write environment.yml again from pyproject.toml and the lock
	$(PY) requirements/environment.py

# The only target that asks the registry which versions there are. Neither file names the registry.
COMPILE := .venv/bin/uv pip compile -q --universal --generate-hashes --python-version 3.11 \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links
lock: .venv/.ready # choose versions again within pyproject.toml's bounds, then environment.yml
	$(COMPILE) pyproject.toml --extra dev -o requirements/lock.txt
	echo uv | $(COMPILE) - -o requirements/uv.txt
	$(PY) requirements/spark.py --show | $(COMPILE) - -c requirements/lock.txt -o requirements/spark.txt
	$(PY) requirements/environment.py

# Spark for the slow tier alone: `make report` and `make test` do without its 400 MB.
.venv/.spark: .venv/.ready requirements/spark.txt requirements/spark.py
	$(PY) requirements/spark.py

clean: # take away .venv and caches; data/store and reports/out stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
	find survey analysis reports tests requirements -name __pycache__ -type d -prune -exec rm -rf {} +

# The first python of 3.11 or newer that can make a virtual environment does the set-up; PYTHON=... chooses another.
PYTHON ?=
.venv/.ready: requirements/lock.txt requirements/uv.txt requirements/prepare.py pyproject.toml
	old=; for p in $(or $(PYTHON),python3 python3.11 python3.12 python3.13 python3.14); do \
	  "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  if "$$p" -c 'import venv, ensurepip' 2>/dev/null; then exec "$$p" requirements/prepare.py; fi; old="$$p"; \
	done; \
	if [ -n "$$old" ]; then \
	  echo "$$old has no module venv. On Debian or Ubuntu: sudo apt install python3-venv. Then run make again."; \
	  echo "$$old 缺少 venv 模块。Debian/Ubuntu 请执行：sudo apt install python3-venv，然后重新运行 make。"; \
	else \
	  echo "Python 3.11 or newer is needed and was not found. Install it, or name it: make PYTHON=/path/to/python3.12"; \
	  echo "需要 Python 3.11 或更高版本，未找到。请先安装，或指定：make PYTHON=/path/to/python3.12"; \
	fi >&2; exit 1
