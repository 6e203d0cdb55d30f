import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """As `course grade` does: the networks are tiny, and the second processor is for the second sandbox."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
