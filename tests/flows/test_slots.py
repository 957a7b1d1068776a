import threading

from flows.slots import Slots


def test_a_stage_that_wants_more_cores_than_there_are_gets_all() -> None:
    slots = Slots(total=2)
    with slots.take(16):
        assert slots.free == 0
    assert slots.free == 2


def test_a_stage_waits_until_its_slots_are_free() -> None:
    slots, entered = Slots(total=2), threading.Event()

    def second() -> None:
        with slots.take(2):
            entered.set()

    with slots.take(1):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.1)
    assert entered.wait(2)
    thread.join()


def test_slots_come_back_when_a_stage_breaks() -> None:
    slots = Slots(total=1)
    try:
        with slots.take(1):
            raise ValueError
    except ValueError:
        assert slots.free == 1
