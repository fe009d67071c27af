# Stand-in for python:3.11.16-slim-bookworm: Debian with its own Python 3.11 and pip where that image has them.
FROM debian-bootstrapped
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv python3-pip \
 && rm -rf /var/lib/apt/lists/* \
 && ln -s /usr/bin/python3 /usr/local/bin/python3 && ln -s /usr/bin/python3 /usr/local/bin/python
# A registry behind a proxy with a certificate of its own is reached as from the host.
COPY certificates/ /usr/local/share/ca-certificates/
RUN update-ca-certificates
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt
