"""The reference platform on one machine: broker, ingest, dashboard. All on loopback."""

import os
import sys

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess
from launch.substitutions import LaunchConfiguration


def _process(name, module, *arguments):
    return ExecuteProcess(
        name=name,
        cmd=[sys.executable, "-m", module, *arguments],
        respawn=True,
        respawn_delay=1.0,
        output="screen",
    )


def generate_launch_description():
    data = LaunchConfiguration("data")
    broker_port = LaunchConfiguration("broker_port")
    return LaunchDescription(
        [
            DeclareLaunchArgument("data", default_value=os.path.abspath(".hani/fleet"), description="folder for data"),
            DeclareLaunchArgument("broker_port", default_value="1883"),
            DeclareLaunchArgument("dashboard_port", default_value="8080"),
            _process("broker", "robot.reporting.broker", "--port", broker_port, "--data", [data, "/broker"]),
            _process("ingest", "robot.fleet.ingest", "--broker-port", broker_port, "--data", data),
            _process(
                "dashboard",
                "robot.fleet.dashboard",
                "--port",
                LaunchConfiguration("dashboard_port"),
                "--data",
                data,
            ),
        ]
    )
