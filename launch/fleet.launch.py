"""The reference platform on one machine: broker, ingest, alarm desk, dashboard. All on loopback.

With secure:=true robots come by certificate (robot/fleet/identity), and may come from other machines: bind:=0.0.0.0.
"""

import os
import subprocess
import sys

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction


def _process(name, module, *arguments):
    return ExecuteProcess(
        name=name,
        cmd=[sys.executable, "-m", module, *arguments],
        respawn=True,
        respawn_delay=1.0,
        output="screen",
    )


def _with_contacts(context):
    given = context.launch_configurations
    optional = [("--contacts", given["contacts"]), ("--site", given["platform_site"])]
    extra = [word for option in optional if option[1] for word in option]
    data = ["--data", given["data"], *extra]
    processes = [
        _process("duty", "robot.fleet.duty", *data),
        _process("dashboard", "robot.fleet.dashboard", "--port", given["dashboard_port"], *data),
    ]
    if given["government"]:
        bridge = _process("government", "robot.fleet.government", *data, "--config", given["government"])
        processes.append(bridge)
    return processes


def _link(context):
    """Broker and ingest; with certificates the platform's own processes use the port after the robots'."""
    given = context.launch_configurations
    data, port = given["data"], given["broker_port"]
    broker = ["--port", port, "--data", f"{data}/broker", "--bind", given["bind"]]
    if given["secure"] != "true":
        return [
            _process("broker", "robot.reporting.broker", *broker),
            _process("ingest", "robot.fleet.ingest", "--broker-port", port, "--data", data),
        ]
    hosts = [word for host in given["platform_hosts"].split() for word in ("--host", host)]
    subprocess.run([sys.executable, "-m", "robot.fleet.identity", "init", "--data", data, *hosts], check=True)
    identity = f"{data}/identity"
    pair = f"{identity}/services/ingest.pem"
    files = ["--broker-ca", f"{identity}/authority.pem", "--broker-cert", pair, "--broker-key", pair]
    services_port = str(int(port) + 1)
    enrolment = ["--host", given["bind"], "--port", given["enrolment_port"], "--data", data]
    return [
        _process("broker", "robot.reporting.broker", *broker, "--tls", identity),
        _process("ingest", "robot.fleet.ingest", "--broker-port", services_port, "--data", data, *files),
        _process("enrolment", "robot.fleet.identity.serve", *enrolment),
    ]


def generate_launch_description():
    return LaunchDescription(
        [
            DeclareLaunchArgument("data", default_value=os.path.abspath(".hani/fleet"), description="folder for data"),
            DeclareLaunchArgument("broker_port", default_value="1883"),
            DeclareLaunchArgument("dashboard_port", default_value="8080"),
            DeclareLaunchArgument(
                "contacts", default_value="", description="who is called; a copy of contacts.example.yaml"
            ),
            DeclareLaunchArgument(
                "government", default_value="", description="tell the region: a copy of config/government.example.yaml"
            ),
            DeclareLaunchArgument("platform_site", default_value="", description="a copy of config/site.example.yaml"),
            DeclareLaunchArgument("secure", default_value="false", description="true: robots come by certificate"),
            DeclareLaunchArgument("bind", default_value="127.0.0.1", description="robots' side; others need secure"),
            DeclareLaunchArgument("platform_hosts", default_value="", description="names that robots call it by"),
            DeclareLaunchArgument("enrolment_port", default_value="8443", description="with secure: claims (HTTPS)"),
            OpaqueFunction(function=_link),
            OpaqueFunction(function=_with_contacts),
        ]
    )
