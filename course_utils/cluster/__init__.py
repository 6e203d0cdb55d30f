"""The same work on more machines: Dask's workers, reached through a client.

Nothing here is needed on one machine, and nothing of Dask is imported until a client is asked for.

    workers.py     a client: of a scheduler that runs, or of processes on this machine
    versions.py    what must be equal on all of them
    run.py         work on many items: who dies is replaced, what was lost is done again
    carrier.py     what lies on a worker while it works
    bar.py         a bar, or a line every minute
    checkpoint.py  which images are done, and the file from which a run goes on
"""

from course_utils.cluster.workers import workers

__all__ = ["workers"]
