"""One robot: its nodes, each in its own process, and Rasa beside them."""

import os

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, LogInfo, OpaqueFunction, SetEnvironmentVariable
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
    """Nodes with the parameter files in order: robot.yaml, the profile's, the site's, then the arguments given.

    By the rule of ROS 2 a file's section for one node counts more than what is said of all, whichever comes last.
    """
    profile = context.launch_configurations["profile"]
    site = context.launch_configurations["site"]
    files = [os.path.join(CONFIG, "robot.yaml")]
    if profile != "robot":
        files.append(os.path.join(CONFIG, profile + ".yaml"))
    if site:
        files.append(site)
    broker_port = context.launch_configurations["broker_port"]
    rasa_port = context.launch_configurations["rasa_port"]
    home = context.launch_configurations["home"]
    broker = {"broker_port": int(broker_port)} if broker_port else {}
    own = {
        "mattress_bridge": broker,
        "platform_reporter": broker,
        "dialogue_manager": {"rasa_url": "http://127.0.0.1:" + rasa_port} if rasa_port else {},
    }
    everywhere = {"home": home} if home else {}
    given = {name: {**everywhere, **own.get(name, {})} for name in NODES}
    return [
        Node(
            package="hani",
            executable=name,
            name=name,
            namespace=context.launch_configurations["namespace"],
            parameters=[*files, *([given[name]] if given[name] else [])],
            respawn=True,
            respawn_delay=1.0,
            output="screen",
        )
        for name in NODES
    ]


def _rasa(context):
    from dialogue.serve import DEFAULT_PORT, serve_command
    from robot.errors import MissingPart

    given = context.launch_configurations
    port = int(given["rasa_port"] or DEFAULT_PORT)
    try:
        argv, environment = serve_command(port, slim=given["rasa_slim"] == "true")
    except MissingPart as error:  # the rules answer in its place: nothing waits for conversation
        return [LogInfo(msg="rasa is not started: " + str(error))]
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
            # an empty argument leaves the value to the parameter files
            DeclareLaunchArgument("home", default_value="", description="folder for data; HANI_HOME, else .hani"),
            DeclareLaunchArgument("namespace", default_value=""),
            DeclareLaunchArgument("broker_port", default_value="", description="1883"),
            DeclareLaunchArgument("rasa", default_value="true", choices=["true", "false"]),
            DeclareLaunchArgument("rasa_port", default_value="", description="5005"),
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
