"""How to start the Rasa server: one command for the launch file. Standard library only."""

from __future__ import annotations

import os

from dialogue import paths
from robot.errors import MissingPart

DEFAULT_PORT = 5005


def rasa_command() -> tuple[str, str]:
    """The interpreter and program that run Rasa. Raises `MissingPart`."""
    python = paths.rasa_python()
    program = python.with_name("rasa")
    if not python.exists() or not program.exists():
        raise MissingPart(f"Rasa is not installed at {python.parent}; run `make setup`, or set HANI_RASA_PYTHON.")
    return (str(python), str(program))


def quiet_environment() -> dict[str, str]:
    """This process's environment for Rasa: no telemetry, one thread, and no utterance in any log."""
    return {
        **os.environ,
        "PYTHONPATH": str(paths.ROOT),
        "RASA_TELEMETRY_ENABLED": "false",
        "RASA_MAX_CACHE_SIZE": "0",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "SANIC_HOST": "127.0.0.1",
        "LOG_LEVEL": "ERROR",
        "LOG_LEVEL_LIBRARIES": "ERROR",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
        "PYTHONWARNINGS": "ignore",
    }


def serve_command(port: int = DEFAULT_PORT, *, slim: bool = False) -> tuple[list[str], dict[str, str]]:
    """The argument list and environment of the Rasa server on loopback. Raises `MissingPart`.

    The model path is exact and checked: Rasa silently loads the newest archive of the folder when it is wrong. `slim`
    leaves TensorFlow out of the process (rasa/slim.py).
    """
    model = paths.model()
    if not model.is_file():
        raise MissingPart("The dialogue model is not trained yet; run `python -m dialogue.train`.")
    project = paths.PROJECT_SOURCE
    python, program = rasa_command()
    argv = [
        *(python, str(project / "slim.py") if slim else program),
        *("run", "--quiet", "-i", "127.0.0.1", "-p", str(port), "--model", str(model)),
        *("--credentials", str(project / "credentials.yml"), "--endpoints", str(project / "endpoints.yml")),
    ]
    return argv, quiet_environment()
