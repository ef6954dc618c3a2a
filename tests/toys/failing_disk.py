"""A disk that fails: at the k-th write, fsync, rename or removal, once or from then on."""

from endcap_indexer import files


class FailingDisk(files.Disk):
    """Counts operations; `fail_at` None only counts. A dead disk fails at every later one too."""

    def __init__(
        self,
        fail_at: int | None = None,
        *,
        dead: bool = False,
        error: type[BaseException] = OSError,
    ) -> None:
        self.count = 0
        self.fail_at, self.dead, self.error = fail_at, dead, error

    @property
    def reached(self) -> bool:
        return self.fail_at is not None and self.count >= self.fail_at

    def _step(self) -> None:
        self.count += 1
        if self.reached and (self.dead or self.count == self.fail_at):
            raise self.error("injected")

    def write(self, file, data):
        self._step()
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
