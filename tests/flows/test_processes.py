import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from flows.processes import ProcessGroup, end_leftovers, environment, wait

NIGHT = """
import sys, time
from pathlib import Path
from flows.processes import ProcessGroup
group = ProcessGroup(Path("night.json"))
child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
with open("log", "wb") as log:
    process = group.start([sys.executable, "-c", child], log)
time.sleep(1)
print(process.pid, flush=True)
time.sleep(60)
"""


def test_a_dead_night_leaves_nothing_after_the_next_start(tmp_path: Path) -> None:
    night = subprocess.Popen([sys.executable, "-c", NIGHT], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert night.stdout
    stage = psutil.Process(int(night.stdout.readline()))
    family = [stage, *stage.children(recursive=True)]
    assert len(family) == 2
    assert end_leftovers(tmp_path / "night.json") == 0  # the night lives
    night.kill()
    night.wait()
    assert all(process.is_running() for process in family)
    assert end_leftovers(tmp_path / "night.json") == 2
    assert not any(process.is_running() for process in family)
    assert not (tmp_path / "night.json").exists()


def test_leftovers_are_known_by_their_mark_not_by_a_number_used_again(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], process_group=0)
    record = tmp_path / "night.json"
    record.write_text(f'{{"id": "gone", "group": {stranger.pid}, "night": 1, "night_started": 0}}')
    assert end_leftovers(record) == 0
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_signal_reaches_the_whole_group(tmp_path: Path) -> None:
    with ProcessGroup(tmp_path / "night.json") as group, open(tmp_path / "log", "wb") as log:
        process = group.start(["sh", "-c", "sleep 60 & wait"], log)
        time.sleep(0.2)
        children = psutil.Process(process.pid).children()
        group.interrupt()
        assert wait(process, group) == -signal.SIGTERM
        psutil.wait_procs(children, timeout=5)
        assert not any(child.is_running() for child in children)


def test_a_new_process_joins_the_group_when_all_others_have_ended(tmp_path: Path) -> None:
    with ProcessGroup(tmp_path / "night.json") as group, open(tmp_path / "log", "wb") as log:
        for _ in range(2):
            process = group.start([sys.executable, "-c", "import os; print(os.getpgrp())"], log)
            assert wait(process, group) == 0
    assert set((tmp_path / "log").read_text().split()) == {str(group.leader.pid)}


def test_the_running_interpreter_comes_first_on_the_path() -> None:
    assert environment()["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
