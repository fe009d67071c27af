"""A Docker engine with all images, and stacks on it. Everything here is marked `compose`: `make test-compose`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from compose_stack import ComposeStack, images
from docker_engine import NoEngineError, engine
from make_standins import provide


@pytest.fixture(scope="session")
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Progress on long work, past pytest's capturing."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    return lambda line: reporter.write_line(line)


@pytest.fixture(scope="session")
def docker(tmp_path_factory: pytest.TempPathFactory, say: Callable[[str], None]) -> Iterator[list[str]]:
    """An engine that has every image; gives the tags that are stand-ins."""
    try:
        with engine(tmp_path_factory.mktemp("docker") / "dockerd.log", say):
            standing_in = provide(images(), say)
            if standing_in:
                say(f"Stand-ins, so the real images stay unproved: {', '.join(standing_in)}")
            yield standing_in
    except NoEngineError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def stack(docker: list[str], request: pytest.FixtureRequest, say: Callable[[str], None]) -> Iterator[ComposeStack]:
    """A stack that has run the demo; `SECURED` in the test's module decides which."""
    secured = request.module.SECURED
    stack = ComposeStack("ecommerce-test-secured" if secured else "ecommerce-test", secure=secured, workers=2)
    stack.make("compose-clean") if stack.containers() else None
    try:
        say(f"make compose-demo{' SECURE=1' if secured else ''}: builds the images at first, which takes 10 minutes")
        stack.demo_output = stack.make("compose-demo")
        yield stack
    finally:
        if request.session.testsfailed:
            say(stack.logs()[-20_000:])
        stack.make("compose-clean")
