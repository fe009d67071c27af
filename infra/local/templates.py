"""Configuration files of the servers."""

from __future__ import annotations

ZOOKEEPER = """\
clientPortAddress={host}
clientPort={port}
dataDir={data}
admin.enableServer=false
# srvr: health; dump: whether a killed broker's session still holds its id.
4lw.commands.whitelist=srvr,dump
maxClientCnxns=100
autopurge.purgeInterval=1
autopurge.snapRetainCount=3
"""

KAFKA = """\
broker.id=0
listeners=PLAINTEXT://{host}:{port}
advertised.listeners=PLAINTEXT://{host}:{port}
zookeeper.connect={host}:{zookeeper_port}
# A killed broker may come back once its session has ended: the default of 18 s is a long wait on one machine.
zookeeper.session.timeout.ms=6000
log.dirs={data}
# Topics are created on purpose only (`make topics`): a typo must not make one.
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
min.insync.replicas=1
# Consumers start at once instead of waiting for others to join.
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
# The cleaner's default of 128 MB is a quarter of this heap.
log.cleaner.dedupe.buffer.size=33554432
"""

# `filesystem-nio2`, the newer provider, breaks Delta ("Path is a file: …/_staged_commits").
S3PROXY = """\
s3proxy.endpoint=http://{host}:{port}
s3proxy.authorization=aws-v2-or-v4
s3proxy.identity={access_key}
s3proxy.credential={secret_key}
# One part of a multipart upload of s3a is 64 MB; the default limit is 32 MB.
s3proxy.v4-max-non-chunked-request-size=134217728
jclouds.provider=filesystem
jclouds.identity=local
jclouds.credential=local
jclouds.filesystem.basedir={data}
"""

# Kafka and ZooKeeper: four files of 10 MB at most.
LOG4J = """\
log4j.rootLogger=INFO, file
log4j.appender.file=org.apache.log4j.RollingFileAppender
log4j.appender.file.File={log}
log4j.appender.file.MaxFileSize=10MB
log4j.appender.file.MaxBackupIndex=3
log4j.appender.file.layout=org.apache.log4j.PatternLayout
log4j.appender.file.layout.ConversionPattern=%d{{ISO8601}} %p %c{{1}}: %m%n
log4j.logger.state.change.logger=WARN
log4j.logger.kafka.request.logger=WARN
"""

# S3Proxy: the same bounds; without a configuration it logs at DEBUG.
LOGBACK = """\
<configuration>
  <statusListener class="ch.qos.logback.core.status.NopStatusListener"/>
  <appender name="file" class="ch.qos.logback.core.rolling.RollingFileAppender">
    <file>{log}</file>
    <rollingPolicy class="ch.qos.logback.core.rolling.FixedWindowRollingPolicy">
      <fileNamePattern>{log}.%i</fileNamePattern>
      <minIndex>1</minIndex>
      <maxIndex>3</maxIndex>
    </rollingPolicy>
    <triggeringPolicy class="ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy">
      <maxFileSize>10MB</maxFileSize>
    </triggeringPolicy>
    <encoder><pattern>%d{{ISO8601}} %p %c{{1}}: %m%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="file"/></root>
  <logger name="org.gaul.s3proxy.Main" level="INFO"/>
</configuration>
"""
