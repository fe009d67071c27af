"""Whether this machine can run the containers of infra/docker-compose.yml, and what to do where it cannot.

Standard library only: it must run before anything is installed, with the machine's own `python3`.
"""
