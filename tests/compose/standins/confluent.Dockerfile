# Stand-in for confluentinc/cp-zookeeper and confluentinc/cp-kafka: Apache's jars of the same line, started from
# environment variables as those images document it.
FROM debian-bootstrapped
ARG SERVER
RUN apt-get update && apt-get install --yes --no-install-recommends openjdk-17-jre-headless netcat-openbsd \
 && rm -rf /var/lib/apt/lists/* && useradd --uid 1000 --user-group --create-home appuser
COPY jars /opt/kafka
COPY run /etc/confluent/docker/run
COPY log4j.properties /etc/kafka/log4j.properties
RUN for folder in kafka/data zookeeper/data zookeeper/log; do install -d -o appuser -g appuser "/var/lib/$folder"; done \
 && install -d -o appuser -g appuser /etc/kafka/secrets && chown appuser /etc/kafka && chmod 755 /etc/confluent/docker/run
ENV SERVER=$SERVER
USER appuser
CMD ["/etc/confluent/docker/run"]
