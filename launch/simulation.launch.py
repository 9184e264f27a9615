"""The simulated home: the platform, one robot with the simulation's profile, and a scenario that plays in the room."""

import os

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    GroupAction,
    IncludeLaunchDescription,
    RegisterEventHandler,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIG = os.path.join(HERE, "..", "config")
SCENARIO = os.path.join(CONFIG, "scenarios", "day_and_night.yaml")


def _include(name, arguments):
    source = PythonLaunchDescriptionSource(os.path.join(HERE, name))
    # a group of its own: an included file's arguments would otherwise replace ours of the same name
    return GroupAction([IncludeLaunchDescription(source, launch_arguments=list(arguments.items()))])


def generate_launch_description():
    argument = LaunchConfiguration
    home = argument("home")
    simulated_home = Node(
        package="hani",
        executable="simulated_home",
        name="simulated_home",
        namespace=argument("namespace"),
        arguments=[
            "--scenario",
            argument("scenario"),
            "--timeline",
            [home, "/timeline.jsonl"],
            "--broker-port",
            argument("broker_port"),
            "--platform",
            ["http://127.0.0.1:", argument("dashboard_port")],
            "--platform-data",
            [home, "/fleet"],
            "--caregiver",
            argument("caregiver"),
            "--hold",
        ],
        output="screen",
    )
    return LaunchDescription(
        [
            DeclareLaunchArgument("home", default_value=os.path.abspath(".hani/simulation")),
            DeclareLaunchArgument("scenario", default_value=SCENARIO),
            DeclareLaunchArgument("caregiver", default_value="played", choices=["played", "person"]),
            DeclareLaunchArgument("site", default_value=""),
            DeclareLaunchArgument("namespace", default_value=""),
            DeclareLaunchArgument("broker_port", default_value="1884"),
            DeclareLaunchArgument("dashboard_port", default_value="8080"),
            DeclareLaunchArgument("rasa", default_value="true", choices=["true", "false"]),
            DeclareLaunchArgument("rasa_port", default_value="5005"),
            _include(
                "fleet.launch.py",
                {
                    "data": [home, "/fleet"],
                    "broker_port": argument("broker_port"),
                    "dashboard_port": argument("dashboard_port"),
                    "contacts": os.path.join(CONFIG, "contacts.example.yaml"),
                    "platform_site": os.path.join(CONFIG, "site.example.yaml"),
                },
            ),
            _include(
                "robot.launch.py",
                {
                    "profile": "simulation",
                    "site": argument("site"),
                    "home": [home, "/robot"],
                    "namespace": argument("namespace"),
                    "broker_port": argument("broker_port"),
                    "rasa": argument("rasa"),
                    "rasa_port": argument("rasa_port"),
                },
            ),
            simulated_home,
            RegisterEventHandler(
                OnProcessExit(
                    target_action=simulated_home, on_exit=[EmitEvent(event=Shutdown(reason="the scenario has ended"))]
                )
            ),
        ]
    )
