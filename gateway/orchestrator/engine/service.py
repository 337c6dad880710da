"""A service: its commands one after the other, its main program and its time limits (systemd's service.c)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from gateway.orchestrator.engine.program import Exit
from gateway.orchestrator.engine.program_unit import SIGKILL, Ears, ProgramUnit
from gateway.orchestrator.engine.restarts import StartLimit, restarts, result_of
from gateway.orchestrator.engine.states import ACTIVE_OF, Active, Freezer, ServiceState
from gateway.orchestrator.engine.unit import Answer
from gateway.orchestrator.units import Command, ExecKind, LoadState, ServiceType, UnitSpec
from gateway.sim import Timer

if TYPE_CHECKING:
    from gateway.orchestrator.engine.engine import Engine

_S: Final = ServiceState
_STARTING: Final = frozenset({_S.START_PRE, _S.START, _S.START_POST})
_STOPPING: Final = frozenset(
    {_S.STOP, _S.STOP_SIGTERM, _S.STOP_SIGKILL, _S.STOP_POST, _S.FINAL_SIGTERM, _S.FINAL_SIGKILL}
)


class Service(ProgramUnit):
    """A service: its commands before, after and beside the main program, and what follows when one ends."""

    def __init__(self, engine: Engine, spec: UnitSpec) -> None:
        super().__init__(engine, spec)
        self.state = _S.DEAD
        self.restarts = 0
        self.status_text = ""
        self._left: deque[Command] = deque()
        self._limit = StartLimit()
        self._forbid_restart = False
        self._reload_failed = False
        self._timer: Final = Timer(engine.kernel, self._time_is_up)

    @property
    def can_reload(self) -> bool:  # type: ignore[override]
        return bool(self.service.of(ExecKind.RELOAD))

    # Asked by jobs

    def start(self) -> Answer:
        if self.state in _STOPPING or self.state is _S.AUTO_RESTART:
            return Answer.LATER
        if self.state in _STARTING:
            return Answer.BEGUN
        if self.active in {Active.ACTIVE, Active.RELOADING}:
            return Answer.ALREADY
        if self.spec.load_state is not LoadState.LOADED:
            return Answer.REFUSED
        if not self._limit.allows(self.service, self.engine.now):
            self.result = "start-limit-hit"
            self._enter(_S.FAILED)
            return Answer.REFUSED
        self.result = "success"
        self._forbid_restart = False
        self.last_exit = None
        self.attempts += 1
        self._sequence(_S.START_PRE, ExecKind.START_PRE)
        return Answer.BEGUN

    def stop(self) -> Answer:
        self._forbid_restart = True
        if self.state in {_S.DEAD, _S.FAILED}:
            return Answer.ALREADY
        if self.state in _STOPPING:
            return Answer.BEGUN
        if self.state is _S.AUTO_RESTART:
            self._timer.cancel()
            self._enter(_S.DEAD)
        elif self.state in _STARTING:
            self._signal_all(_S.STOP_SIGTERM)
        else:
            self._stop_commands()
        return Answer.BEGUN

    def reload(self) -> Answer:
        if self.state is not _S.RUNNING and self.state is not _S.EXITED:
            return Answer.NOT_APPLICABLE
        self._reload_failed = False
        self._sequence(_S.RELOAD, ExecKind.RELOAD)
        return Answer.BEGUN

    @property
    def reload_failed(self) -> bool:
        return self._reload_failed

    def reset_failed(self) -> None:
        self._limit.forget()
        self.restarts = 0
        self.result = "success"
        if self.state is _S.FAILED:
            self._enter(_S.DEAD)

    def give_up(self) -> None:
        self.kill_all()
        self._timer.cancel()
        self._left.clear()
        self.state = _S.DEAD
        super().give_up()

    # Told by programs

    def executed(self, ears: Ears) -> None:
        if ears is self.main and self.state is _S.START and self.service.type is ServiceType.EXEC:
            self._started()

    def notified(self, variables: Mapping[str, str]) -> None:
        if "STATUS" in variables:
            self.status_text = variables["STATUS"]
            self.engine.changed(self, "org.freedesktop.systemd1.Service", {"StatusText": self.status_text})
        if variables.get("READY") == "1" and self.service.type is ServiceType.NOTIFY and self.state is _S.START:
            self._started()

    def exited(self, ears: Ears, end: Exit) -> None:
        if ears is self.control:
            self.control = None
            self._control_exited(ears, end)
        elif ears is self.main:
            self.main = None
            self.last_exit = end
            self._main_exited(ears, end)

    def _control_exited(self, ears: Ears, end: Exit) -> None:
        good = end.clean or ears.command.ignore_failure
        if self.state in {_S.STOP_SIGTERM, _S.STOP_SIGKILL, _S.FINAL_SIGTERM, _S.FINAL_SIGKILL}:
            self._group_gone()
        elif good:
            self._next_command()
        elif self.state is _S.RELOAD:
            self._reload_failed = True
            self._back_to_running()
        elif self.state is _S.STOP_POST:
            self._fail_with(result_of(end))
            self._left.clear()
            self._finish_stop()
        else:
            self._fail_with(result_of(end))
            self._left.clear()
            self._signal_all(_S.STOP_SIGTERM)

    def _main_exited(self, ears: Ears, end: Exit) -> None:
        good = end.clean or ears.command.ignore_failure or end.code in self.service.success_exit_status
        if self.freezer is Freezer.FROZEN:
            self.set_freezer(Freezer.RUNNING)
        if not good:
            self._fail_with(result_of(end))
        if self.state is _S.START and self.service.type is ServiceType.ONESHOT and good:
            if not self._next_main():
                self._sequence(_S.START_POST, ExecKind.START_POST)
        elif self.state is _S.START:
            if good:
                self._fail_with("protocol" if self.service.type is ServiceType.NOTIFY else "success")
            self._stop_commands()
        elif self.state is _S.RUNNING:
            if good and self.service.remain_after_exit:
                self._enter(_S.EXITED)
            else:
                self._stop_commands()
        elif self.state in {_S.STOP_SIGTERM, _S.STOP_SIGKILL, _S.FINAL_SIGTERM, _S.FINAL_SIGKILL}:
            self._group_gone()

    # The way up

    def _sequence(self, state: ServiceState, kind: ExecKind) -> None:
        """Run the commands of a kind one after the other, in a state; then what follows it."""
        self._left = deque(self.service.of(kind))
        if not self._left and state in {_S.START_PRE, _S.START_POST, _S.STOP, _S.STOP_POST}:
            self.state = state  # nothing to run: nobody sees this state
            self._next_command()
            return
        self._arm(self.service.timeout_stop_ns if state in _STOPPING else self.service.timeout_start_ns)
        self._enter(state)
        self._next_command()

    def _next_command(self) -> None:
        if self._left:
            self.control = self.run(_KIND_OF[self.state], self._left.popleft())
            return
        if self.state is _S.START_PRE:
            self._start_main()
        elif self.state is _S.START_POST:
            self._up()
        elif self.state is _S.RELOAD:
            self._back_to_running()
        elif self.state is _S.STOP:
            self._signal_all(_S.STOP_SIGTERM)
        elif self.state is _S.STOP_POST:
            self._finish_stop()

    def _start_main(self) -> None:
        self._left = deque(self.service.of(ExecKind.START))
        kind = self.service.type
        self._arm(self.service.timeout_start_ns)
        if kind is ServiceType.SIMPLE:
            self.state = _S.START
            self._next_main()
            self._started()
            return
        self._enter(_S.START)
        if not self._next_main():
            self._sequence(_S.START_POST, ExecKind.START_POST)

    def _next_main(self) -> bool:
        if not self._left:
            return False
        self.main = self.run(ExecKind.START, self._left.popleft())
        return True

    def _started(self) -> None:
        self._sequence(_S.START_POST, ExecKind.START_POST)

    def _up(self) -> None:
        self._timer.cancel()
        if self.main is not None:
            self._enter(_S.RUNNING)
        elif self.service.remain_after_exit:
            self._enter(_S.EXITED)
        else:
            self._stop_commands()

    def _back_to_running(self) -> None:
        self._timer.cancel()
        self._left.clear()
        if self.main is None and not self.service.remain_after_exit:
            self._stop_commands()
        else:
            self._enter(_S.RUNNING if self.main is not None else _S.EXITED)

    # The way down

    def _stop_commands(self) -> None:
        self._sequence(_S.STOP, ExecKind.STOP)

    def _signal_all(self, state: ServiceState) -> None:
        """Ask all programs to end, or make them; go on when there are none."""
        self._left.clear()
        living = self.living
        if not living:
            self.state = state
            self._group_gone()
            return
        self._arm(self.service.timeout_stop_ns)
        self._enter(state)
        number = SIGKILL if state in {_S.STOP_SIGKILL, _S.FINAL_SIGKILL} else self.service.kill_signal
        for process in living:
            if self.freezer is Freezer.FROZEN:
                process.thaw()
            process.signal(number, everyone=self.service.kill_mode != "process")

    def _group_gone(self) -> None:
        if self.main is not None or self.control is not None:
            return
        if self.state in {_S.STOP_SIGTERM, _S.STOP_SIGKILL}:
            self._sequence(_S.STOP_POST, ExecKind.STOP_POST)
        else:
            self._finish_stop()

    def _finish_stop(self) -> None:
        self._timer.cancel()
        failed = self.result != "success"
        again = not self._forbid_restart and restarts(self.service.restart, self.result)
        self._enter(_S.FAILED if failed else _S.DEAD, restarts=again)
        if again and self.state in {_S.FAILED, _S.DEAD}:
            self._enter(_S.AUTO_RESTART)
            self._arm(self.service.restart_ns)

    def _time_is_up(self) -> None:
        if self.state is _S.AUTO_RESTART:
            self.restarts += 1
            self.engine.restart_automatically(self)
        elif self.state is _S.RELOAD:
            self._reload_failed = True
            if self.control is not None and self.control.process is not None:
                self.control.process.signal(SIGKILL, everyone=True)
                self.control = None
            self._back_to_running()
        else:
            self._fail_with("timeout")
            killing = {
                _S.STOP_SIGTERM: _S.STOP_SIGKILL,
                _S.STOP_POST: _S.FINAL_SIGTERM,
                _S.FINAL_SIGTERM: _S.FINAL_SIGKILL,
            }
            if self.state in {_S.STOP_SIGKILL, _S.FINAL_SIGKILL}:  # not even that helped: it is left behind
                self.main = self.control = None
                self._group_gone()
            else:
                self._signal_all(killing.get(self.state, _S.STOP_SIGTERM))

    # Small things

    def _fail_with(self, result: str) -> None:
        """The first thing that went wrong counts."""
        if self.result == "success":
            self.result = result

    def _arm(self, limit_ns: int | None) -> None:
        if limit_ns is None or (limit_ns == 0 and self.state is not _S.AUTO_RESTART):
            self._timer.cancel()
        else:
            self._timer.set(self.engine.now + limit_ns)

    def _enter(self, state: ServiceState, *, restarts: bool = False) -> None:
        self.state = state
        self.set_state(ACTIVE_OF[state], str(state), restarts=restarts)


_KIND_OF: Final = {
    _S.START_PRE: ExecKind.START_PRE,
    _S.START_POST: ExecKind.START_POST,
    _S.RELOAD: ExecKind.RELOAD,
    _S.STOP: ExecKind.STOP,
    _S.STOP_POST: ExecKind.STOP_POST,
}
