"""One robot: its nodes, each in its own process, and Rasa beside them."""

import os

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIG = os.path.join(HERE, "..", "config")
NODES = (
    "platform_reporter",
    "alarm_manager",
    "mattress_bridge",
    "fall_detector",
    "speech_synthesizer",
    "speech_recognizer",
    "dialogue_manager",
    "health_monitor",
    "lifecycle_manager",
)


def _nodes(context):
    """Nodes with the parameter files in order: robot.yaml, the profile's, the site's, then arguments."""
    profile = context.launch_configurations["profile"]
    site = context.launch_configurations["site"]
    files = [os.path.join(CONFIG, "robot.yaml")]
    if profile != "robot":
        files.append(os.path.join(CONFIG, profile + ".yaml"))
    if site:
        files.append(site)
    broker = {"broker_port": int(context.launch_configurations["broker_port"])}
    own = {
        "mattress_bridge": broker,
        "platform_reporter": broker,
        "dialogue_manager": {"rasa_url": "http://127.0.0.1:" + context.launch_configurations["rasa_port"]},
    }
    home = context.launch_configurations["home"]
    return [
        Node(
            package="hani",
            executable=name,
            name=name,
            namespace=context.launch_configurations["namespace"],
            parameters=[*files, {"home": home, **own.get(name, {})}],
            respawn=True,
            respawn_delay=1.0,
            output="screen",
        )
        for name in NODES
    ]


def _rasa(context):
    from dialogue.serve import serve_command

    given = context.launch_configurations
    argv, environment = serve_command(int(given["rasa_port"]), slim=given["rasa_slim"] == "true")
    return [
        ExecuteProcess(
            name="rasa", cmd=argv, additional_env=environment, respawn=True, respawn_delay=2.0, output="screen"
        )
    ]


def generate_launch_description():
    return LaunchDescription(
        [
            DeclareLaunchArgument("profile", default_value="robot", choices=["robot", "simulation"]),
            DeclareLaunchArgument("site", default_value="", description="a further parameter file of this site"),
            DeclareLaunchArgument("home", default_value="", description="folder for data; empty: .hani or HANI_HOME"),
            DeclareLaunchArgument("namespace", default_value=""),
            DeclareLaunchArgument("broker_port", default_value="1883"),
            DeclareLaunchArgument("rasa", default_value="true", choices=["true", "false"]),
            DeclareLaunchArgument("rasa_port", default_value="5005"),
            DeclareLaunchArgument(
                "rasa_slim",
                default_value="false",
                choices=["true", "false"],
                description="Rasa without TensorFlow: a third of the memory, an unofficial way (dialogue/README.md)",
            ),
            SetEnvironmentVariable("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST"),
            OpaqueFunction(function=_nodes),
            OpaqueFunction(function=_rasa, condition=IfCondition(LaunchConfiguration("rasa"))),
        ]
    )
