"""How far a sending is: a bar on a terminal, with what was sent and what of it is stored."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TimeElapsedColumn
from rich.text import Text

from cli.work.sending import Tally


class _TallyColumn(ProgressColumn):
    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally = tally

    def render(self, task: Task) -> Text:
        """How many were sent and how many of them are stored, with the rate of storing."""
        tally = self._tally
        stored = tally.accepted + tally.duplicates
        rate = stored / task.elapsed if task.elapsed else 0.0
        return Text(f"{tally.sent:,} sent  {stored:,} stored  {rate:,.0f}/s  {tally.rejected:,} rejected")


@contextmanager
def sending_progress(position: Callable[[], int], size: int | None, tally: Tally) -> Iterator[Callable[[], None]]:
    """Gives what to call when more was read; `position` tells how far that is, of `size` in all, None where there is no telling."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda: None
        return
    with Progress(BarColumn(), TaskProgressColumn(), _TallyColumn(tally), TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("", total=size)
        yield lambda: progress.update(task, completed=position())
