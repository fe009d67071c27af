"""Whether the process that owner.json names is gone, and when that cannot be known."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from leases import owner

from pipelines.lease_owner import Owner


def test_a_killed_process_that_its_parent_has_not_noticed_is_gone():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    here = Owner.this_process()
    killed = owner(host=here.host, boot=here.boot, pid=child.pid, process_started="")
    assert not killed.is_certainly_gone(here)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert killed.is_certainly_gone(here)
    child.communicate()


def test_a_later_process_with_the_same_pid_is_not_taken_for_the_owner():
    here = Owner.this_process()
    assert not here.is_certainly_gone(here)
    assert owner(host=here.host, boot=here.boot, pid=here.pid, process_started="before").is_certainly_gone(here)


@pytest.mark.parametrize("unlike", [{"host": "another"}, {"boot": "another boot or container"}, {"boot": ""}])
def test_a_pid_of_another_host_boot_or_container_means_nothing_here(dead_pid, unlike):
    here = Owner.this_process()
    assert not owner(**{"host": here.host, "boot": here.boot, "pid": dead_pid, **unlike}).is_certainly_gone(here)


def test_an_unknown_boot_is_no_ones_boot(dead_pid):
    nowhere = owner(boot="", pid=dead_pid)
    assert not nowhere.is_certainly_gone(nowhere)
