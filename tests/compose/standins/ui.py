"""Answers /actuator/health as the real page does; everything else is its KAFKA_CLUSTERS_* settings."""

import http.server
import json
import os


class Page(http.server.BaseHTTPRequestHandler):
    """One answer for the health check, one for the rest."""

    def do_GET(self) -> None:
        settings = {name: value for name, value in os.environ.items() if name.startswith("KAFKA_CLUSTERS_0_")}
        body = json.dumps({"status": "UP"} if self.path == "/actuator/health" else settings).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name is the standard library's


http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Page).serve_forever()  # noqa: S104 - inside its container
