"""Wrong settings end at once: exit code 2, one line that names the setting, no secret."""

from __future__ import annotations

import shutil
import time
import uuid
from pathlib import Path

import pytest
from jobs import Site
from test_bad_settings import complaint

from infra.local import Stack

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def wrong_site(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("settings")
    return Site.create(stack.environment(), f"settings-{uuid.uuid4().hex[:6]}", folder)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        pytest.param(setting, value, marks=pytest.mark.row(number, f"{setting}={value}"), id=f"{setting}={value}")
        for number, setting, value in (
            (10, "AWS_ACCESS_KEY_ID", "AKIAWRONGWRONGWRONG0"),
            (10, "AWS_SECRET_ACCESS_KEY", "wrong-secret-wrong-secret"),
            (10, "AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            (10, "LAKE_URI", "s3a://no-such-bucket-here"),
            (29, "KAFKA_BOOTSTRAP_SERVERS", "no-such-host.invalid:9092"),
            (29, "KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1"),
            (29, "KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:kafka"),
            (29, "KAFKA_SECURITY_PROTOCOL", "SASL_TLS"),
            (29, "RAW_TOPIC", "no-such-topic"),
            (29, "CATALOG_URI", "/no/such/catalogue.jsonl"),
        )
    ],
)
def test_a_wrong_setting_is_named_in_one_line(wrong_site: Site, result, setting: str, value: str) -> None:
    began = time.monotonic()
    line = complaint(wrong_site, **{setting: value})
    result.note(f"Refused after {time.monotonic() - began:.0f} s.")
    assert setting in line or setting.lower().replace("_", "-") in line
    assert value in line or "KEY" in setting


@pytest.mark.row(29, "Spark without Delta's jars")
def test_missing_jars_are_named_with_what_to_do(wrong_site: Site, result, tmp_path: Path) -> None:
    """A conf folder without the jars, as another Spark installation has it."""
    conf = Path(wrong_site.environment["SPARK_CONF_DIR"])
    kept = [line for line in (conf / "spark-defaults.conf").read_text().splitlines() if "spark.jars" not in line]
    (tmp_path / "spark-defaults.conf").write_text("\n".join(kept) + "\n")
    shutil.copy(conf / "log4j2.properties", tmp_path)
    log = wrong_site.folder / "enrich.log"
    log.unlink(missing_ok=True)
    began = time.monotonic()

    code = wrong_site.enrich("--available-now", SPARK_CONF_DIR=str(tmp_path))

    result.note(f"Refused after {time.monotonic() - began:.0f} s.")
    errors = wrong_site.errors()
    assert code == 2, wrong_site.log()
    assert len(errors) == 1
    assert "jar" in errors[0]
