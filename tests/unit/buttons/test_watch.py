"""Every press calls once, nothing else calls, and a device on which nobody can count is a fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.buttons.devices import Device, DeviceKind, Devices, load_devices
from robot.buttons.link import topics
from robot.buttons.store import DeviceStore
from robot.buttons.watch import DeviceWatch, Memory, Sign, UnknownAction
from robot.errors import BadConfiguration, BadInput
from robot.messages import Call
from robot.paths import ROOT

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).parents[2] / "data" / "buttons"
BASE = "zigbee2mqtt"
PENDANT = Device(name="pendant", topic="pendant", kind=DeviceKind.PENDANT)
CORD = Device(name="cord", topic="bathroom/cord", kind=DeviceKind.CORD)
BEDSIDE = Device(name="bedside", topic="bedside_button", kind=DeviceKind.BUTTON, calls=("hold", "double"))
WRIST = Device(name="wrist", topic="wrist", kind=DeviceKind.FALL_SENSOR)
DOOR = Device(name="front-door", topic="front_door", kind=DeviceKind.DOOR)
MOTION = Device(name="hall", topic="hall_motion", kind=DeviceKind.MOTION)
LEAK = Device(name="kitchen", topic="kitchen_leak", kind=DeviceKind.LEAK)
HOME = Devices(devices=(PENDANT, CORD, BEDSIDE, WRIST, DOOR, MOTION, LEAK))
DAY_S = 86_400.0


class Watch:
    """A watch with what it called and what it wants remembered."""

    def __init__(self, devices: Devices = HOME, memories: tuple[Memory, ...] = (), now_s: float = 0.0) -> None:
        self.core = DeviceWatch(devices, memories, now_s)
        self.memories = {memory.name: memory for memory in memories}
        self.signs: list[Sign] = []
        self.unknown: list[UnknownAction] = []
        self.hear("bridge/state", "online", now_s, retained=True)

    def hear(self, topic: str, payload: object, now_s: float, retained: bool = False) -> list[Call]:
        text = payload if isinstance(payload, str) else json.dumps(payload)
        effects = self.core.on_message(f"{BASE}/{topic}", text.encode(), retained, now_s)
        self.memories.update({effect.name: effect for effect in effects if isinstance(effect, Memory)})
        self.signs += [effect for effect in effects if isinstance(effect, Sign)]
        self.unknown += [effect for effect in effects if isinstance(effect, UnknownAction)]
        return [effect for effect in effects if isinstance(effect, Call)]

    def restarted(self, now_s: float) -> Watch:
        return Watch(memories=tuple(self.memories.values()), now_s=now_s)


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.jsonl")), ids=lambda file: file.stem)
def test_golden_conversation(file):
    watch = Watch()
    for line in map(json.loads, file.read_text().splitlines()):
        calls = watch.hear(line["topic"], line["payload"], line["at_s"], line.get("retained", False))
        assert [[call.kind.value, call.certain] for call in calls] == line.get("calls", []), line


def test_a_press_that_waited_for_the_broker_still_calls_with_its_own_time():
    (call,) = Watch().hear("pendant", {"action": "sos", "last_seen": 1764000000000}, 1764000600.0)
    assert call.called_at_s == 1764000000.0


def test_the_same_press_is_the_same_call_whoever_restarted():
    """The alarm manager knows a call by its id."""
    seen = {"action": "sos", "last_seen": 1764000000000}
    first, second = (Watch().hear("pendant", seen, 1764000600.0 + wait)[0] for wait in (0, 60))
    assert first.id == second.id


def test_an_old_flag_is_no_new_call_after_a_restart():
    watch = Watch()
    assert watch.hear("bathroom/cord", {"sos": True}, 10.0)
    assert not watch.restarted(100.0).hear("bathroom/cord", {"sos": True}, 110.0)
    watch.hear("bathroom/cord", {"sos": False}, 200.0)
    assert watch.restarted(300.0).hear("bathroom/cord", {"sos": True}, 310.0)


def test_a_flag_that_nobody_knows_from_before_calls():
    assert Watch().hear("bathroom/cord", {"sos": True}, 10.0)


def test_a_flag_that_stays_true_is_a_fault_since_it_hides_the_next_call():
    watch = Watch()
    watch.hear("bathroom/cord", {"sos": True}, 10.0)
    assert watch.core.faults(3610.0) == ()
    assert watch.core.faults(3611.0) == ("cord does not reset: its next call would not be noticed",)
    watch.hear("bathroom/cord", {"sos": False}, 3612.0)
    assert watch.core.faults(3613.0) == ()


def test_an_action_calls_each_time_whatever_a_flag_that_was_not_reset_says():
    """Of the flag itself the next press is lost: a repeated state looks the same."""
    watch = Watch()
    assert watch.hear("pendant", {"action": "emergency", "sos": True}, 10.0)
    assert not watch.hear("pendant", {"sos": True, "battery": 90}, 100.0)
    assert watch.hear("pendant", {"action": "emergency", "sos": True}, 200.0)
    assert watch.hear("pendant/action", "emergency", 300.0)


@pytest.mark.parametrize("topic", ["pendant", "bathroom/cord", "bedside_button"])
@pytest.mark.parametrize("action", ["pressed", "off", "long_press", "click", "!"])
def test_an_unknown_action_of_what_a_hand_presses_calls_and_is_told_once(topic, action):
    """Vendors name a press in many ways; a press too many is better than a press lost."""
    watch = Watch()
    for now_s in (10.0, 20.0):
        assert [call.certain for call in watch.hear(topic, {"action": action}, now_s)] == [True]
    assert [one.action for one in watch.unknown] == [action]


def test_a_numbered_button_means_its_action():
    watch = Watch()
    assert watch.hear("pendant", {"action": "1_single"}, 10.0)
    assert watch.hear("bedside_button", {"action": "button_2_hold"}, 20.0)
    assert not watch.hear("bedside_button", {"action": "1_single"}, 30.0), "left out of its list: for the lamp"
    assert watch.unknown == []


@pytest.mark.parametrize("action", ["release", "hold_release", "button_1_released", "idle", "none", "", "  "])
def test_a_release_is_no_press(action):
    watch = Watch()
    assert not watch.hear("pendant", {"action": action}, 10.0)
    assert watch.unknown == []


def test_what_the_devices_list_ignores_is_no_press_and_other_kinds_call_by_their_list_only():
    fob = Device(name="fob", topic="fob", kind=DeviceKind.PENDANT, ignores=("disarm",))
    watch = Watch(Devices(devices=(fob, WRIST, DOOR)))
    assert not watch.hear("fob", {"action": "disarm"}, 10.0)
    assert watch.hear("fob", {"action": "arm_all_zones"}, 20.0)
    assert not watch.hear("wrist", {"action": "walking"}, 30.0)
    assert not watch.hear("front_door", {"action": "pressed"}, 40.0)
    assert [(one.name, one.calls) for one in watch.unknown] == [("fob", True), ("wrist", False)]


@pytest.mark.parametrize("action", ["sos", "panic", "1_sos", "sos_pressed", "emergency_left"])
def test_an_emergency_calls_whatever_the_devices_list_leaves_out(action):
    assert Watch().hear("bedside_button", {"action": action}, 10.0)
    fob = Device(name="fob", topic="fob", kind=DeviceKind.BUTTON, calls=("hold",), ignores=(action,))
    assert not Watch(Devices(devices=(fob,))).hear("fob", {"action": action}, 10.0)


@pytest.mark.parametrize("action", ["single_left", "left_single", "button_up_press", "1_single_right"])
def test_which_of_its_buttons_was_pressed_makes_no_other_action(action):
    """A click for the lamp is one on either side of the switch."""
    watch = Watch()
    assert not watch.hear("bedside_button", {"action": action}, 10.0)
    assert watch.unknown == []
    assert watch.hear("pendant", {"action": action}, 10.0)


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        *((action, "sensed_fall") for action in ("fall", "fall_detected", "fall_down", "falling")),
        *((action, "button") for action in ("pressed", "1_single", "button_1_hold", "sos_pressed", "fall_emergency")),
        *((action, None) for action in ("no_fall", "fall_cleared", "sos_release")),
    ],
)
def test_a_fall_sensor_tells_falls_and_presses_in_many_words(action, kind):
    watch = Watch()
    assert [call.kind.value for call in watch.hear("wrist", {"action": action}, 10.0)] == ([kind] if kind else [])
    assert watch.unknown == []


@pytest.mark.parametrize(
    ("fell", "over"),
    [
        ({"fall_down_status": "fall"}, {"fall_down_status": "none"}),
        ({"fall_detected": True}, {"fall_detected": False}),
        ({"fall": "fall"}, {"fall": "normal"}),
    ],
)
def test_a_fall_goes_by_several_names(fell, over):
    watch = Watch()
    assert not watch.hear("wrist", {"fall_down_status": "maybe_fall"}, 5.0)
    assert [call.kind.value for call in watch.hear("wrist", fell, 10.0)] == ["sensed_fall"]
    assert not watch.hear("wrist", fell, 100.0)
    watch.hear("wrist", over, 200.0)
    assert watch.hear("wrist", fell, 300.0)


@pytest.mark.parametrize("message", [{"alarm_1": True}, {"emergency": True}, {"sos": "alarm"}, {"click": "single"}])
def test_a_press_goes_by_several_names(message):
    assert [call.certain for call in Watch().hear("bathroom/cord", message, 10.0)] == [True]


def test_each_value_may_come_on_a_topic_of_its_own():
    watch = Watch(Devices(devices=(CORD, PENDANT)))
    assert watch.hear("bathroom/cord/sos", "true", 10.0)
    assert watch.hear("pendant/action", '"emergency"', 20.0)[0].id.startswith("pendant-emergency-")
    watch.hear("pendant/battery", "7", 30.0)
    assert watch.core.warnings() == ("pendant has a low battery",)
    assert not watch.hear("pendant/set", "on", 40.0)
    assert not watch.hear("bathroom/cord/sos", "true", 50.0, retained=True)


def test_a_byte_order_mark_costs_no_press():
    assert DeviceWatch(HOME).on_message(f"{BASE}/pendant", b'\xef\xbb\xbf{"action": "emergency"}', False, 1.0)


def test_a_device_that_cannot_be_read_is_a_fault_until_it_can():
    watch = Watch(Devices(devices=(PENDANT,)))
    with pytest.raises(BadInput):
        watch.hear("pendant", "{", 1.0)
    assert watch.core.faults(2.0) == ("pendant sends what cannot be read",)
    watch.hear("pendant", {"battery": 80}, 3.0)
    assert watch.core.faults(4.0) == ()


def test_a_device_that_was_never_heard_is_told_of_at_once_and_after_a_restart():
    """A wrong name in the list, or one that was never paired, must not wait for a day without a restart."""
    watch = Watch(Devices(devices=(PENDANT,)))
    assert watch.core.warnings() == ("pendant was never heard: use it once",)
    watch.hear("pendant", {"battery": 80}, 1.0)
    assert watch.core.warnings() == ()
    assert DeviceWatch(Devices(devices=(PENDANT,)), watch.memories.values(), 2.0).warnings() == ()


def test_a_zigbee2mqtt_that_says_nothing_is_a_fault():
    watch = DeviceWatch(Devices(devices=(PENDANT,)), now_s=100.0)
    assert watch.faults(400.0) == ()
    assert watch.faults(401.0) == ("zigbee2mqtt has not said that it runs",)
    assert DeviceWatch(Devices()).faults(1e6) == ()


def test_a_device_that_talks_nonsense_is_told_of_a_few_times_only():
    watch = Watch()
    for n in range(100):
        assert watch.hear("pendant", {"action": f"x{n}y"}, 10.0 * n)
    assert len(watch.unknown) == 10


@pytest.mark.parametrize(
    "strange", [{"battery": "low"}, {"battery": 1e9}, {"linkquality": None}, {"last_seen": "soon"}]
)
def test_a_press_is_not_lost_for_a_strange_neighbour_field(strange):
    assert Watch().hear("pendant", {"action": "emergency", **strange}, 10.0)


@pytest.mark.parametrize("action", [3, False, ["emergency"], {"type": "press"}, "x" * 99])
def test_a_flag_is_not_lost_for_a_strange_action_beside_it(action):
    assert Watch().hear("pendant", {"action": action, "sos": True}, 10.0)
    assert Watch().hear("wrist", {"action": action, "fall": True}, 10.0)


def test_a_press_is_not_lost_for_a_long_name():
    watch = Watch()
    assert watch.hear("pendant", {"action": "x" * 99}, 10.0)
    assert [len(unknown.action) for unknown in watch.unknown] == [40]


@pytest.mark.parametrize("action", [None, "", " "])
def test_no_action_is_no_press(action):
    assert not Watch().hear("pendant", {"action": action}, 10.0)


@pytest.mark.parametrize(("on", "off"), [("ON", "OFF"), ("true", "false"), (1, 0), ("1", "0")])
def test_a_flag_may_be_a_word(on, off):
    watch = Watch()
    assert watch.hear("pendant", {"sos": on}, 10.0)
    assert not watch.hear("pendant", {"sos": off}, 20.0)
    assert watch.hear("pendant", {"sos": on}, 30.0)
    assert not Watch().hear("pendant", {"sos": "perhaps"}, 10.0)


def test_a_device_is_silent_also_when_the_clock_was_set_back():
    watch = Watch(Devices(devices=(PENDANT,)), now_s=10 * DAY_S)
    watch.hear("pendant", {"battery": 80}, 10 * DAY_S)
    back_s = 7 * DAY_S
    assert watch.core.faults(back_s) == ()
    assert watch.core.faults(back_s + 25 * 3600.0 + 1) == ("pendant is silent",)


def test_a_silent_device_is_a_fault_until_it_is_heard():
    watch = Watch(Devices(devices=(PENDANT,)), now_s=0.0)
    assert watch.core.faults(25 * 3600.0) == ()
    assert watch.core.faults(25 * 3600.0 + 1) == ("pendant is silent",)
    watch.hear("pendant", {"battery": 80}, 25 * 3600.0 + 2)
    assert watch.core.faults(25 * 3600.0 + 3) == ()


def test_a_restart_does_not_make_a_dead_device_young():
    watch = Watch(Devices(devices=(PENDANT,)))
    watch.hear("pendant", {"battery": 80}, 0.0)
    later = Watch(Devices(devices=(PENDANT,)), tuple(watch.memories.values()), now_s=DAY_S)
    assert later.core.faults(DAY_S + 3601.0) == ("pendant is silent",)


def test_what_the_broker_kept_is_no_sign_of_life_but_availability_is_believed():
    watch = Watch(Devices(devices=(PENDANT,)))
    watch.hear("pendant", {"battery": 80}, 2 * DAY_S, retained=True)
    assert watch.core.faults(2 * DAY_S) == ("pendant is silent",)
    watch = Watch(Devices(devices=(PENDANT,)))
    watch.hear("pendant/availability", "offline", 1.0, retained=True)
    assert watch.core.faults(1.0) == ("pendant is silent",)
    watch.hear("pendant", {"battery": 80}, 2.0)
    assert watch.core.faults(2.0) == ()


def test_an_offline_bridge_is_a_fault():
    watch = Watch()
    watch.hear("bridge/state", {"state": "offline"}, 1.0, retained=True)
    assert watch.core.faults(1.0) == ("zigbee2mqtt is offline",)


@pytest.mark.parametrize(
    ("message", "warning"),
    [
        ({"battery": 19}, "pendant has a low battery"),
        ({"battery": 0}, "pendant has a low battery"),
        ({"battery_low": True}, "pendant has a low battery"),
        ({"linkquality": 29}, "pendant has a poor link"),
        ({"linkquality": 0}, "pendant has a poor link"),
        ({"battery": "19"}, "pendant has a low battery"),
        ({"battery_low": "true"}, "pendant has a low battery"),
        ({"tamper": True}, "pendant was opened or torn off"),
    ],
    ids=str,
)
def test_a_weak_device_is_a_warning(message, warning):
    watch = Watch(Devices(devices=(PENDANT,)))
    watch.hear("pendant", {"battery": 90, "linkquality": 90, "battery_low": False}, 1.0)
    assert watch.core.warnings() == ()
    watch.hear("pendant", message, 2.0)
    assert watch.core.warnings() == (warning,)


def test_doors_motion_and_water_are_told_when_they_change_and_never_call():
    watch = Watch(Devices(devices=(DOOR, LEAK)))
    for now_s in (1.0, 2.0):
        assert not watch.hear("front_door", {"contact": False}, now_s)
    assert not watch.hear("kitchen_leak", {"water_leak": True}, 3.0)
    assert watch.signs == [Sign("front-door", "contact", False, 1.0), Sign("kitchen", "water_leak", True, 3.0)]
    assert watch.core.warnings() == ("kitchen reports water",)


@pytest.mark.parametrize("payload", ["", "\x00", "[]", "1", "{", '{"action": 3}', '{"action": ["x"]}'])
def test_a_message_of_our_device_that_cannot_be_read_is_refused(payload):
    with pytest.raises(BadInput):
        Watch().hear("pendant", payload, 1.0)


KEYS = st.sampled_from(
    ["action", "sos", "alarm", "fall", "contact", "battery", "battery_low", "linkquality", "last_seen"]
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["emergency", "fall"])
)
payloads = st.binary(max_size=60) | st.dictionaries(KEYS, leaves | st.lists(leaves, max_size=2)).map(
    lambda value: json.dumps(value).encode()
)
TOPICS = st.sampled_from(
    ["pendant", "bathroom/cord", "wrist", "front_door", "pendant/action", "pendant/availability", "bridge/state", "x"]
)
steps = st.lists(st.tuples(TOPICS, payloads, st.booleans(), st.floats(-10, 1e5)), max_size=15)


@given(steps)
def test_whatever_arrives_is_taken_or_refused_and_what_was_kept_never_calls(messages):
    watch, now_s = DeviceWatch(HOME), 0.0
    for topic, payload, retained, after_s in messages:
        now_s += after_s
        try:
            effects = watch.on_message(f"{BASE}/{topic}", payload, retained, now_s)
        except BadInput:
            continue
        finally:
            watch.faults(now_s)
            watch.warnings()
        calls = [effect for effect in effects if isinstance(effect, Call)]
        assert len(calls) <= 1
        assert not (calls and retained)
        assert not (calls and topic in ("front_door", "x"))


@given(st.lists(st.floats(3.01, 1e5), min_size=1, max_size=10))
def test_every_press_with_a_pause_before_it_calls(pauses):
    watch, now_s, ids = Watch(), 0.0, set()
    for pause_s in pauses:
        now_s += pause_s
        (call,) = watch.hear("pendant", {"action": "emergency"}, now_s)
        ids.add(call.id)
    assert len(ids) == len(pauses)


def test_memories_survive_the_disk(tmp_path):
    memory = Memory("cord", 12.5, (("fall", False), ("sos", True)), 1764000000.5)
    store = DeviceStore(tmp_path / "robot.db")
    store.save([Memory("cord", 1.0), memory, Memory("pendant", 2.0)])
    assert store.load() == (memory, Memory("pendant", 2.0))
    store.close()


def test_a_row_that_cannot_be_read_is_left_out(tmp_path):
    store = DeviceStore(tmp_path / "robot.db")
    store.save([Memory("cord", 1.0)])
    store._connection.execute("UPDATE devices SET body = '[]'")
    assert store.load() == ()
    store.close()


def test_the_example_is_usable_and_states_are_not_wanted_retained():
    devices = load_devices(str(ROOT / "config" / "devices.example.yaml"))
    assert [device.name for device in devices.devices] == ["pendant", "bathroom-cord", "bedside", "front-door", "hall"]
    retained = {topic.filter for topic in topics(devices) if topic.retained}
    assert "zigbee2mqtt/pendant" not in retained
    assert {"zigbee2mqtt/bridge/state", "zigbee2mqtt/pendant/availability"} <= retained


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("devices: [{name: a, topic: a, kind: bell}]", "devices.0.kind"),
        ("devices: [{name: a, topic: 'a/#', kind: button}]", "devices.0.topic"),
        ("devices: [{name: a, topic: a, kind: button}, {name: a, topic: b, kind: button}]", "a name stands twice"),
        ("colour: red", "unknown key"),
        ("devices: [", "not valid YAML"),
    ],
)
def test_a_wrong_file_is_refused_by_key(tmp_path, text, wrong):
    file = tmp_path / "devices.yaml"
    file.write_text(text)
    with pytest.raises(BadConfiguration, match=wrong):
        load_devices(str(file))


def test_no_file_is_no_devices_and_a_missing_one_is_refused(tmp_path):
    assert load_devices("") == Devices()
    with pytest.raises(BadConfiguration, match="cannot be read"):
        load_devices(str(tmp_path / "devices.yaml"))
