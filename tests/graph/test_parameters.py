"""What `hani config show` shows is what ROS 2 gives the nodes."""

from __future__ import annotations

from pathlib import Path

import pytest
import rclpy

from robot import paths
from robot.settings import load

pytestmark = pytest.mark.graph

FIRST = """
/**:
  ros__parameters: {robot_id: all-1, simulated: true}
/**/alarm_manager:
  ros__parameters: {robot_id: one-1, check_in_s: 5.0}
"""
SECOND = """
/**/alarm_manager:
  ros__parameters: {check_in_s: 6.0}
/**/mattress_bridge:
  ros__parameters: {robot_id: one-2}
"""
THIRD = """
/**:
  ros__parameters: {robot_id: all-3}
"""
SPECIFIC_FIRST = """
/**/alarm_manager:
  ros__parameters: {robot_id: one-4}
/**:
  ros__parameters: {robot_id: all-4}
"""


@pytest.mark.parametrize(
    "texts", [(FIRST, SECOND, THIRD), (SECOND, THIRD, FIRST), (THIRD, FIRST, SECOND), (SPECIFIC_FIRST, FIRST)]
)
def test_the_order_of_files_and_sections_is_that_of_ros(domain: int, tmp_path: Path, texts: tuple[str, ...]) -> None:
    files = [tmp_path / f"{number}.yaml" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text, encoding="utf-8")
    settings = load(files)
    for node in ("alarm_manager", "mattress_bridge", "fall_detector"):
        shown = {key: item.value for key, item in settings[node].items() if item.layer != "default"}
        assert shown == given_by_ros(node, files, domain)


@pytest.mark.parametrize("profile", ["robot", "simulation"])
def test_the_shipped_profiles_too(domain: int, profile: str) -> None:
    names = ["robot"] if profile == "robot" else ["robot", profile]
    files = [paths.ROOT / "config" / f"{name}.yaml" for name in names]
    for node, items in load(files).items():
        shown = {key: item.value for key, item in items.items() if item.layer != "default"}
        assert shown == given_by_ros(node, files, domain)


def given_by_ros(node: str, files: list[Path], domain: int) -> dict[str, object]:
    context = rclpy.Context()
    arguments = [word for file in files for word in ("--params-file", str(file))]
    rclpy.init(args=["--ros-args", *arguments], context=context, domain_id=domain)
    made = rclpy.create_node(node, namespace="robot_1", context=context)
    given = {key: parameter.value for key, parameter in made._parameter_overrides.items()}
    made.destroy_node()
    rclpy.shutdown(context=context)
    return given
