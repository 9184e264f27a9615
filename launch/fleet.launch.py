"""The reference platform on one machine: broker, ingest, dashboard. All on loopback."""

import os
import sys

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction
from launch.substitutions import LaunchConfiguration


def _process(name, module, *arguments):
    return ExecuteProcess(
        name=name,
        cmd=[sys.executable, "-m", module, *arguments],
        respawn=True,
        respawn_delay=1.0,
        output="screen",
    )


def _dashboard(context):
    given = context.launch_configurations
    optional = [("--contacts", given["contacts"]), ("--site", given["platform_site"])]
    extra = [word for option in optional if option[1] for word in option]
    process = _process(
        "dashboard", "robot.fleet.dashboard", "--port", given["dashboard_port"], "--data", given["data"], *extra
    )
    return [process]


def generate_launch_description():
    data = LaunchConfiguration("data")
    broker_port = LaunchConfiguration("broker_port")
    return LaunchDescription(
        [
            DeclareLaunchArgument("data", default_value=os.path.abspath(".hani/fleet"), description="folder for data"),
            DeclareLaunchArgument("broker_port", default_value="1883"),
            DeclareLaunchArgument("dashboard_port", default_value="8080"),
            DeclareLaunchArgument(
                "contacts", default_value="", description="who is called; a copy of contacts.example.yaml"
            ),
            DeclareLaunchArgument("platform_site", default_value="", description="a copy of config/site.example.yaml"),
            _process("broker", "robot.reporting.broker", "--port", broker_port, "--data", [data, "/broker"]),
            _process("ingest", "robot.fleet.ingest", "--broker-port", broker_port, "--data", data),
            OpaqueFunction(function=_dashboard),
        ]
    )
