import threading
import time

import pytest

from flows import slots as module
from flows.slots import Slots


def test_a_stage_that_wants_more_cores_than_there_are_gets_all() -> None:
    slots = Slots(total=2)
    with slots.take("policy", 16):
        assert slots.free == 0
    assert slots.free == 2


def test_a_stage_waits_until_its_slots_are_free() -> None:
    slots, entered = Slots(total=2), threading.Event()

    def second() -> None:
        with slots.take("policy", 2):
            entered.set()

    with slots.take("rewards@a", 1):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.1)
    assert entered.wait(2)
    thread.join()


def test_slots_come_back_when_a_stage_breaks() -> None:
    slots = Slots(total=1)
    with pytest.raises(ValueError, match="broken"), slots.take("sft@first", 1):
        raise ValueError("broken")
    assert slots.free == 1


def test_the_more_urgent_stage_begins_first_though_it_comes_later() -> None:
    slots, order = Slots(total=1), []

    def run(name: str, reserved: int) -> None:
        with slots.take(name, 1, lambda: reserved if "urgent" not in slots.begun else 0):
            order.append(name)

    idle = threading.Thread(target=run, args=("idle", 1))
    idle.start()
    time.sleep(0.1)
    run("urgent", 0)
    idle.join()
    assert order == ["urgent", "idle"]


def test_no_core_stays_idle_for_a_stage_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    slots = Slots(total=1)
    with slots.take("idle", 1, lambda: 1):
        assert slots.begun == {"idle"}
