"""Gives launch files the modules they import, `launch` and `launch_ros`, where the real packages are absent."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from robot.supervisor import actions, nodes, substitutions

_NAMES: dict[str, dict[str, object]] = {
    "launch": {
        "LaunchDescription": actions.LaunchDescription,
        "Action": actions.Action,
        "Substitution": substitutions.Substitution,
        "LaunchContext": substitutions.Scope,
    },
    "launch.actions": {
        "DeclareLaunchArgument": actions.DeclareLaunchArgument,
        "EmitEvent": actions.EmitEvent,
        "ExecuteProcess": nodes.ExecuteProcess,
        "GroupAction": actions.GroupAction,
        "IncludeLaunchDescription": actions.IncludeLaunchDescription,
        "LogInfo": actions.LogInfo,
        "OpaqueFunction": actions.OpaqueFunction,
        "RegisterEventHandler": actions.RegisterEventHandler,
        "SetEnvironmentVariable": actions.SetEnvironmentVariable,
        "SetLaunchConfiguration": actions.SetLaunchConfiguration,
        "Shutdown": actions.Shutdown,
        "TimerAction": actions.TimerAction,
    },
    "launch.conditions": {
        "IfCondition": substitutions.IfCondition,
        "UnlessCondition": substitutions.UnlessCondition,
    },
    "launch.event_handlers": {"OnProcessExit": actions.OnProcessExit},
    "launch.events": {"Shutdown": actions.ShutdownEvent},
    "launch.launch_description_sources": {
        "PythonLaunchDescriptionSource": actions.PythonLaunchDescriptionSource,
    },
    "launch.substitutions": {
        "EnvironmentVariable": substitutions.EnvironmentVariable,
        "LaunchConfiguration": substitutions.LaunchConfiguration,
        "PathJoinSubstitution": substitutions.PathJoinSubstitution,
        "PythonExpression": substitutions.PythonExpression,
        "TextSubstitution": substitutions.TextSubstitution,
        "ThisLaunchFileDir": substitutions.ThisLaunchFileDir,
    },
    "launch_ros": {},
    "launch_ros.actions": {"Node": nodes.Node, "PushRosNamespace": actions.PushRosNamespace},
    "launch_ros.parameter_descriptions": {"ParameterValue": nodes.ParameterValue},
    "launch_ros.substitutions": {"FindPackageShare": substitutions.FindPackageShare},
}


def real_launch_present() -> bool:
    """Whether ROS 2's own launch is installed. `launch` alone proves nothing: a folder of that name answers, too."""
    return importlib.util.find_spec("launch_ros") is not None


def install() -> None:
    """Put the modules into this process's `sys.modules`."""
    for name, attributes in _NAMES.items():
        module = ModuleType(name, "The supervisor's subset of the ROS 2 launch API (see robot/supervisor).")
        module.__dict__.update(attributes)
        module.__path__ = []
        sys.modules[name] = module
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
