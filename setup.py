"""Hani for pip (`pip install -e . --no-build-isolation`) and for colcon (ament_python, ROS 2 package `hani`).

What it needs is in config/requirements; nothing is in install_requires, because ROS 2 comes from wheels on a
development machine and from apt on a board.
"""

from __future__ import annotations

from pathlib import Path

from setuptools import find_packages, setup

NODES = (
    "speech_recognizer",
    "speech_synthesizer",
    "dialogue_manager",
    "fall_detector",
    "mattress_bridge",
    "alarm_manager",
    "platform_reporter",
    "health_monitor",
    "lifecycle_manager",
)
HERE = Path(__file__).resolve().parent


def below(folder: str, pattern: str = "*") -> list[str]:
    """Return the files of a folder, relative to this one: data_files takes nothing else."""
    return sorted(path.relative_to(HERE).as_posix() for path in (HERE / folder).glob(pattern) if path.is_file())


def share(folder: str) -> list[tuple[str, list[str]]]:
    """Return `folder` and its subfolders as data_files of share/hani."""
    folders = [HERE / folder, *sorted(path for path in (HERE / folder).rglob("*") if path.is_dir())]
    names = [path.relative_to(HERE).as_posix() for path in folders if path.name not in {"__pycache__", "requirements"}]
    return [(f"share/hani/{name}", files) for name in names if (files := below(name))]


setup(
    name="hani",
    version="0.1.0",
    description="A bilingual (Mandarin and Mongolian) companion robot for older people at home",
    license="Apache-2.0",
    maintainer="The Hani maintainers",
    maintainer_email="maintainers@hani.invalid",
    python_requires=">=3.10,<3.13",
    packages=find_packages(include=["robot", "robot.*", "dialogue", "dialogue.*", "models", "models.*"]),
    package_data={
        "robot": [
            "**/*.yml",
            "**/*.yaml",
            "**/*.html",
            "**/*.css",
            "**/*.js",
            "**/*.svg",
            "**/*.ini",
            "**/*.mako",
            "**/*.sql",
            "**/*.json",
            "fleet/static/*",
        ],
        "dialogue": ["**/*.yml", "**/*.yaml", "**/*.txt"],
        "models": ["*.yaml", "speech/**/*", "voice/**/*"],
    },
    data_files=[
        ("share/ament_index/resource_index/packages", ["robot/provision/resource/hani"]),
        ("share/hani", ["package.xml"]),
        *share("launch"),
        *share("config"),
    ],
    entry_points={
        "console_scripts": [
            "hani = robot.cli:main",
            *(f"{node} = robot.nodes.{node}:main" for node in NODES),
            "simulated_home = robot.simulation.home_node:main",
        ]
    },
    # `ros2 run` and `ros2 launch` look for executables here; pip puts its own beside the interpreter all the same
    options={"install": {"install_scripts": "$base/lib/hani"}, "develop": {"script_dir": "$base/lib/hani"}},
    zip_safe=False,
)
