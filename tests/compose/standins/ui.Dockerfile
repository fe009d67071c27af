# Stand-in for ghcr.io/kafbat/kafka-ui: answers its health check and says what it was configured with.
FROM debian-bootstrapped
RUN apt-get update && apt-get install --yes --no-install-recommends python3 wget \
 && rm -rf /var/lib/apt/lists/* && useradd --uid 100 --user-group kafkaui
COPY ui.py /ui.py
USER kafkaui
CMD ["python3", "/ui.py"]
