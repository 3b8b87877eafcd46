from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from avgdt.processes import STOPPING
from avgdt.training.signals import Stopped, advising, deferred, handled


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_stops_immediately_or_after_a_deferred_block(number: int) -> None:
    done = list[str]()
    before = [signal.getsignal(one) for one in STOPPING]

    def step_then_next() -> None:
        with handled():
            with deferred():
                send(number)
                done.append("the rest of the step")
            done.append("the next step")

    def wait() -> None:
        with handled():
            send(number)
            done.append("the next batch")

    with pytest.raises(Stopped, match=f"stopped by {signal.Signals(number).name}") as stop:
        step_then_next()
    assert stop.value.number == number
    with pytest.raises(Stopped):
        wait()
    assert done == ["the rest of the step"]
    assert [signal.getsignal(one) for one in STOPPING] == before


def test_a_second_signal_does_not_interrupt_saving() -> None:
    done = list[str]()

    def save_when_stopped() -> None:
        with handled():
            try:
                send(signal.SIGTERM)
            finally:
                with deferred():
                    send(signal.SIGTERM)
                    send(signal.SIGINT)
                done.append("saved")

    with pytest.raises(Stopped):
        save_when_stopped()
    assert done == ["saved"]


def test_a_suppressed_stop_is_raised_after_the_next_deferred_block() -> None:
    done = list[str]()

    def suppress_stop() -> None:
        with handled():
            with suppress(Stopped):  # as Python suppresses errors in a hook of os.fork
                send(signal.SIGTERM)
            with deferred():
                done.append("a whole step")
            done.append("another step")

    with pytest.raises(Stopped):
        suppress_stop()
    assert done == ["a whole step"]


def test_an_error_in_a_deferred_block_is_raised() -> None:
    def fail() -> None:
        with handled(), deferred():
            send(signal.SIGTERM)
            raise ValueError("defect")

    with pytest.raises(ValueError, match="defect"):
        fail()


def test_advice_is_appended_to_the_message_of_a_stop() -> None:
    with pytest.raises(Stopped, match=r"^stopped by SIGINT; go on$") as stop, advising(lambda: "go on"):
        raise KeyboardInterrupt
    assert stop.value.number == signal.SIGINT


def test_signals_are_not_handled_outside_the_main_thread() -> None:
    handlers = list[object]()

    def thread() -> None:
        with handled(), deferred():
            handlers.append(signal.getsignal(signal.SIGTERM))

    running = threading.Thread(target=thread)
    running.start()
    running.join()
    assert handlers == [signal.SIG_DFL]


@pytest.mark.parametrize(
    ("seconds", "code", "saved"), [(0.7, 130, False), (0.0, 7, True)], ids=["again", "one keystroke, two signals"]
)
def test_a_second_ctrl_c_ends_the_process_immediately(seconds: float, code: int, saved: bool) -> None:
    program = f"""
import os, signal, time
from avgdt.training.signals import handled, deferred
with handled():
    with deferred():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep({seconds})
        os.kill(os.getpid(), signal.SIGINT)
        print("saved", flush=True)
        os._exit(7)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ran.returncode, "saved" in ran.stdout) == (code, saved)
    assert ("terminated immediately" in ran.stderr) is not saved
