"""MinIO with TLS and a user limited to the lake: boto3, deltalake and Spark, and what that user cannot do."""

from __future__ import annotations

import json
import os
from pathlib import Path

import boto3
import botocore.config
import botocore.exceptions
import pytest
from jobs import Site
from secured import ANALYST, ENRICH, GENERATOR, SecuredKafka, SecuredStore, done, program, read

import pipelines
from infra.local.environment import environment
from pipelines.clients import S3Settings
from pipelines.delta_tables import open_tables
from pipelines.lake import DEAD_LETTERS, EVENTS

pytestmark = pytest.mark.integration


def client(settings: dict[str, str], **options: object):
    """A plain boto3 client with these settings."""
    return boto3.client(
        "s3",
        endpoint_url=settings["AWS_ENDPOINT_URL"],
        region_name=settings["AWS_REGION"],
        aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
        config=botocore.config.Config(s3={"addressing_style": "path"}),
        **{"verify": settings["AWS_CA_BUNDLE"] or None, **options},
    )


@pytest.fixture(scope="session")
def others_bucket(secured_store: SecuredStore) -> str:
    """Another bucket with an object that is nobody's business."""
    root = client(secured_store.root())
    root.create_bucket(Bucket="others")
    root.put_object(Bucket="others", Key="secret", Body=b"x")
    return "others"


@pytest.fixture
def lake_user(secured_store: SecuredStore):
    return client(secured_store.environment())


def refused(request, **arguments: object) -> str:
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        request(**arguments)
    return raised.value.response["Error"]["Code"]


def test_the_lakes_user_lists_reads_writes_and_deletes_in_the_lake(lake_user):
    lake_user.put_object(Bucket="lake", Key="a/b", Body=b"1")
    assert lake_user.get_object(Bucket="lake", Key="a/b")["Body"].read() == b"1"
    assert [each["Key"] for each in lake_user.list_objects_v2(Bucket="lake", Prefix="a/")["Contents"]] == ["a/b"]
    lake_user.delete_object(Bucket="lake", Key="a/b")
    assert "Contents" not in lake_user.list_objects_v2(Bucket="lake", Prefix="a/")


def test_the_lakes_user_starts_lists_and_aborts_uploads_in_parts(lake_user):
    upload = lake_user.create_multipart_upload(Bucket="lake", Key="large")["UploadId"]
    lake_user.upload_part(Bucket="lake", Key="large", UploadId=upload, PartNumber=1, Body=b"1")
    assert len(lake_user.list_parts(Bucket="lake", Key="large", UploadId=upload)["Parts"]) == 1
    lake_user.list_multipart_uploads(Bucket="lake", Prefix="large")
    lake_user.abort_multipart_upload(Bucket="lake", Key="large", UploadId=upload)


def test_the_lakes_user_cannot_create_a_bucket(lake_user):
    assert refused(lake_user.create_bucket, Bucket="mine") == "AccessDenied"


def test_the_lakes_user_cannot_delete_the_lake_or_change_who_may_use_it(lake_user):
    assert refused(lake_user.delete_bucket, Bucket="lake") == "AccessDenied"
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    assert refused(lake_user.put_bucket_policy, Bucket="lake", Policy=policy) == "AccessDenied"


def test_the_lakes_user_cannot_see_read_or_write_another_bucket(lake_user, others_bucket):
    assert refused(lake_user.list_objects_v2, Bucket=others_bucket) == "AccessDenied"
    assert refused(lake_user.get_object, Bucket=others_bucket, Key="secret") == "AccessDenied"
    assert refused(lake_user.put_object, Bucket=others_bucket, Key="mine", Body=b"") == "AccessDenied"
    assert others_bucket not in [each["Name"] for each in lake_user.list_buckets()["Buckets"]]


def test_a_client_that_does_not_know_the_authority_does_not_connect(secured_store):
    with pytest.raises(botocore.exceptions.SSLError):
        client(secured_store.environment(), verify=True).list_buckets()


def test_preparing_again_changes_nothing_and_shows_no_secret(secured_store):
    result = secured_store.grant()
    assert done(result).splitlines() == [
        "bucket lake: there",
        "the user of LAKE_ACCESS_KEY_ID: may list, read, write and delete in lake, and nothing else",
    ]
    assert secured_store.secret not in result.stdout + result.stderr


def test_preparing_again_sets_a_new_secret(secured_store):
    new = "another-secret-of-the-lake"
    try:
        done(secured_store.grant(LAKE_SECRET_ACCESS_KEY=new))
        client({**secured_store.environment(), "AWS_SECRET_ACCESS_KEY": new}).list_objects_v2(Bucket="lake")
    finally:
        done(secured_store.grant())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong-secret"}, "refused the credentials"),
        ({"LAKE_SECRET_ACCESS_KEY": "short"}, "LAKE_SECRET_ACCESS_KEY 8"),
        ({"AWS_CA_BUNDLE": ""}, "AWS_CA_BUNDLE must name its authority"),
    ],
)
def test_preparing_with_a_wrong_setting_is_one_line(secured_store, changed, said):
    result = secured_store.grant(**changed)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert said in line
    assert not {secured_store.secret, secured_store.state.secret_key, "wrong-secret"} & set(line.split())


@pytest.mark.parametrize("s3_server", ["s3proxy"], indirect=True)
def test_a_bucket_without_a_user_is_made_on_any_server_over_plain_http(s3_server):
    plain = {**s3_server.environment(), "LAKE_URI": "s3a://elsewhere/shop"}
    try:
        assert done(program("infra.bucket", environment=plain)) == "bucket elsewhere: created\n"
        assert done(program("infra.bucket", environment=plain)) == "bucket elsewhere: there\n"
    finally:  # other tests share the server
        client({**plain, "AWS_CA_BUNDLE": ""}).delete_bucket(Bucket="elsewhere")


@pytest.mark.parametrize("s3_server", ["s3proxy"], indirect=True)
def test_a_user_on_a_server_that_is_no_minio_is_one_line(s3_server):
    user = {"LAKE_ACCESS_KEY_ID": "lake-user", "LAKE_SECRET_ACCESS_KEY": "a-long-secret"}
    result = program("infra.bucket", environment={**s3_server.environment(), **user})
    assert result.returncode == 2
    assert "it must be MinIO" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("s3_server", ["minio"], indirect=True)
def test_a_minio_user_can_be_made_over_plain_http(s3_server):
    user = {"LAKE_ACCESS_KEY_ID": "lake-user", "LAKE_SECRET_ACCESS_KEY": "a-long-secret"}
    said = done(program("infra.bucket", environment={**s3_server.environment(), **user}))
    assert "the user of LAKE_ACCESS_KEY_ID: may list" in said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"LAKE_URI": "s3a://others"}, "lacks the right to list in bucket others"),
        ({"AWS_CA_BUNDLE": ""}, "AWS_CA_BUNDLE must name its authority"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong-secret"}, "refused the credentials for bucket lake"),
    ],
)
def test_the_job_names_what_is_wrong_with_the_store_before_spark_starts(
    secured_kafka, secured_store, others_bucket, changed, said
):
    settings = {**secured_store.environment(), **secured_kafka.environment(ENRICH), **changed}
    result = program("pipelines.enrich", environment=settings)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert said in line
    assert settings["AWS_SECRET_ACCESS_KEY"] not in line


@pytest.fixture(scope="session")
def drained(secured_kafka: SecuredKafka, secured_store: SecuredStore, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A pipeline that was run once, each program as its own user, all over TLS. The only start of Spark here.

    Its catalogue lies in the lake's bucket, too.
    """
    folder = tmp_path_factory.mktemp("drained")
    store = secured_store.environment()
    catalog = Path(pipelines.__file__).parent / "reference" / "catalog.jsonl"
    client(store).put_object(Bucket="lake", Key="catalog.jsonl", Body=catalog.read_bytes())
    # With this seed each partition gets dead letters: the tests read the first one.
    sending = ("--sink", "kafka", "--count", "400", "--seed", "7", "--rate", "0", "--malformed-rate", "0.2")
    manifest = ("--manifest", str(folder / "manifest.jsonl"))
    done(program("generator", *sending, *manifest, environment=secured_kafka.environment(GENERATOR)))
    own = {
        "LAKE_URI": "s3a://lake/shop",
        "CATALOG_URI": "s3a://lake/catalog.jsonl",
        "CHECKPOINT_URI": str(folder / "checkpoint"),
        "PSEUDONYM_KEY": "a-key-that-is-not-shown",
    }
    spark = environment(folder, secured_store.state, ())
    site = Site(
        {**os.environ, **spark, **store, **secured_kafka.environment(ENRICH), **own}, secured_kafka.topics, folder
    )
    site.drain()
    return site


def test_what_the_secured_pipeline_wrote_is_proven_as_an_analyst(drained, secured_kafka):
    analyst = {**drained.environment, **secured_kafka.environment(ANALYST)}
    manifest = str(drained.folder / "manifest.jsonl")
    assert "PROVEN" in done(program("pipelines.verify", "--manifest", manifest, "--caught-up", environment=analyst))


def test_deltalake_reads_the_tables_as_the_lakes_user(drained, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CA_BUNDLE"):
        monkeypatch.setenv(name, drained.environment[name])
    s3 = S3Settings(drained.environment["AWS_ENDPOINT_URL"], drained.environment["AWS_REGION"])
    tables = open_tables(drained.lake, s3, (EVENTS, DEAD_LETTERS))
    rows = {name: table.to_pyarrow_dataset().count_rows() for name, table in tables.items()}
    assert rows[EVENTS] > rows[DEAD_LETTERS] > 0


def test_the_generator_cannot_read_the_dead_letters(drained, secured_kafka):
    """It may not even see the topic: kafka-python waits for it and gives nothing."""
    topic = secured_kafka.topics.dead_letter
    assert read(secured_kafka.settings(ANALYST), topic)
    assert read(secured_kafka.settings(GENERATOR), topic) == []


def test_no_secret_is_in_the_jobs_log(drained):
    log = drained.log()
    for name in ("KAFKA_SASL_PASSWORD", "AWS_SECRET_ACCESS_KEY", "PSEUDONYM_KEY"):
        assert drained.environment[name] not in log
