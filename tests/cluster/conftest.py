"""Workers for tests: as threads of this process, which start at once, and as processes, which can be killed."""

import pytest

distributed = pytest.importorskip("distributed")
OPTIONS = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0", "memory_limit": 0, "silence_logs": 60}


@pytest.fixture(scope="module")
def threads():
    """A client of two workers that are threads."""
    with distributed.LocalCluster(processes=False, **OPTIONS) as cluster, distributed.Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """A client of two workers that are processes; an item is given up when two of its workers died."""
    import dask

    place = tmp_path_factory.mktemp("workers")
    # on a crowded machine a process that was killed may need longer than Dask's 15 seconds to be back
    with dask.config.set({"distributed.deploy.lost-worker-timeout": "1 hour"}):
        with dask.config.set({"distributed.scheduler.allowed-failures": 1}):
            cluster = distributed.LocalCluster(**OPTIONS, local_directory=place)
        with cluster, distributed.Client(cluster) as client:
            yield client
