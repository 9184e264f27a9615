# `make help` says what there is. Everything real is in robot/provision (set-up) and behind the venv's commands.
PYTHON ?= python3
RUN := .venv/bin/python

# A sourced ROS 2 would mix with the one in .venv: nothing here runs with it. (A board uses robot.provision itself.)
ifdef AMENT_PREFIX_PATH
unexport AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH PYTHONPATH LD_LIBRARY_PATH ROS_DISTRO
endif

# Tests and the demo start hundreds of processes: each would compile 1,800 modules anew, for 2 s.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test setup tools lint check bench chaos evaluate train pins clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup ## set up what is missing, then play the simulated home with its dashboard
	@.venv/bin/hani demo

test: tools lint check ## set up what is missing, then all checks and all tests

setup: ## only set up what the demo needs
	@$(PYTHON) -m robot.provision demo

tools: # set up what tests and checks need
	@$(PYTHON) -m robot.provision test

lint: tools ## ruff, mypy, import rules
	@echo "== ruff"
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@echo "== mypy"
	@$(RUN) -m mypy
	@echo "== import rules"
	@.venv/bin/lint-imports

check: tools # the tests alone: make check ONLY="tests/unit -k alarm"
	@echo "== tests"
ifdef ONLY
	@$(RUN) -m pytest $(ONLY)
else
	@$(RUN) -m pytest tests/unit -q -n auto --dist loadfile
	@$(RUN) -m pytest tests/graph tests/fleet tests/e2e
endif

bench: tools ## measure speech, falls, CPU and memory, then a fleet of 5,000; prints and writes JSON
	@$(RUN) -m tests.bench
	@$(RUN) -m tests.bench fleet

chaos: tools ## kill everything at random under 10,000 alarms and count: make chaos [SEED=7] [STORE=sqlite]
	@$(RUN) -m tests.chaos --alarms 10000 --seed $(or $(SEED),7) --store $(or $(STORE),postgres)

evaluate: ## hearing, falls and dialogue on recordings: make evaluate DATA=folder [FOLDS=folder] [ALL=1]
	$(if $(shell test -f "$(DATA)/speech/speech.tsv" -a -f "$(DATA)/falls/falls.tsv" && echo there),,\
	$(error give the folder that holds speech/speech.tsv and falls/falls.tsv: make evaluate DATA=folder))
	@$(PYTHON) -m robot.provision test
	@echo "== hearing"
	@$(RUN) -m models.speech.evaluate "$(DATA)/speech" $(if $(FOLDS),--folds "$(FOLDS)") $(if $(ALL),--all)
	@echo "== falls"
	@$(RUN) -m robot.vision.evaluate "$(DATA)/falls" "$(DATA)/falls/falls.tsv"
	@echo "== simulated life"
	@$(RUN) -m robot.simulation.life.evaluate --hours 20 --seeds 4 --first-seed 101
	@echo "== dialogue"
	@$(RUN) -m dialogue.evaluate

train: ## the speech model again, for hours; goes on where it was: make train DATA="folder ..." FOLD=all STEPS=4500
	@test -x .venv-train/bin/python || $(PYTHON) -m venv .venv-train
	@.venv-train/bin/python -m pip install --quiet -r config/requirements/train.txt
	@.venv-train/bin/python -m pytest -q -p no:cacheprovider tests/unit/training
	@.venv-train/bin/python -m models.speech.training.train --data $(DATA) --fold $(FOLD) --steps $(STEPS) \
	--out .hani/training/$(FOLD)
	@.venv-train/bin/python -m models.speech.training.export .hani/training/$(FOLD)/checkpoint.pt --fold $(FOLD) \
	--out .hani/training/$(FOLD)/model

pins: tools ## compile config/requirements/*.in into exact pins
	@$(RUN) -m robot.provision.pins

clean: ## back to a fresh clone: both environments, .hani with all it holds, caches
	rm -rf .venv .venv-rasa .venv-train .hani build hani.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
