"""A disk that fails: at the k-th write, fsync, rename or removal, once or from then on."""

from collections.abc import Callable

from endcap_indexer import files


class FailingDisk(files.Disk):
    """Counts operations; `fail_at` None only counts. A dead disk fails at every later one too.

    A write that fails leaves the first half of what was to be written. error: what is raised,
    made of a text.
    """

    def __init__(
        self,
        fail_at: int | None = None,
        *,
        dead: bool = False,
        error: Callable[[str], BaseException] = OSError,
    ) -> None:
        self.count = 0
        self.fail_at, self.dead, self.error = fail_at, dead, error

    @property
    def reached(self) -> bool:
        return self.fail_at is not None and self.count >= self.fail_at

    def write(self, file, data):
        if self._fails():
            super().write(file, memoryview(data)[: len(data) // 2])
            raise self.error("injected")
        super().write(file, data)

    def sync(self, descriptor):
        self._step()
        super().sync(descriptor)

    def rename(self, source, target):
        self._step()
        super().rename(source, target)

    def unlink(self, path):
        self._step()
        super().unlink(path)

    def _step(self) -> None:
        if self._fails():
            raise self.error("injected")

    def _fails(self) -> bool:
        self.count += 1
        return self.reached and (self.dead or self.count == self.fail_at)
