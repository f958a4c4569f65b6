"""The upstream of all measurements: nginx with static files, on the load's core.

It answers reads and the searches that it has a file for, and takes every update without keeping
it, so that it costs next to nothing itself. It counts the requests that reach it.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Any

import httpx
import msgspec

from bench.system import LOAD_CORE, Program, free_port, running

_REQUESTS = re.compile(r"requests\s+\d+ \d+ (\d+)")
_CONFIGURATION = Template("""\
worker_processes 1; daemon off; master_process off;
pid $home/nginx.pid; error_log $home/nginx.err warn;
events { worker_connections 8192; }
http {
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; gzip off; server_tokens off;
  keepalive_timeout 600s; keepalive_requests 100000000; etag on;
  open_file_cache max=3000 inactive=600s; open_file_cache_valid 600s;
  large_client_header_buffers 8 16k; map_hash_bucket_size 8192;
  client_body_temp_path $home/t; proxy_temp_path $home/t; fastcgi_temp_path $home/t;
  uwsgi_temp_path $home/t; scgi_temp_path $home/t;
  map $$arg__offset $$offset { "" 0; default $$arg__offset; }
  map $$arg__id $$search { default none; "" "$${arg__count}-$$offset"; $searches }
  server {
    listen 127.0.0.1:$port backlog=1024;
    root $home/files;
    types { } default_type application/fhir+json;
    error_page 404 /absent.json;
    location = /absent.json { internal; }
    location = /Group { try_files /search/$$search.json =404; }
    location = /Patient { try_files /search/$$search.json =404; }
    location /Patient/ { try_files $$uri.json =404; }
    location /Group/ {
      if ($$request_method = PUT) { return 200 'null'; }
      try_files $$uri.json =404;
    }
    location = /-status { stub_status; }
  }
}
""")
_ABSENT = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "not-found", "details": {"text": "Not found"}}],
}


class Upstream:
    """A running upstream, at `url`."""

    def __init__(self, url: str, program: Program) -> None:
        self.url = url
        self.program = program
        self._own = 0

    def requests(self) -> int:
        """Count the requests; what this method asks does not change the difference of two."""
        self._own += 1
        found = _REQUESTS.search(httpx.get(f"{self.url}/-status").text)
        if found is None:
            raise RuntimeError("nginx does not count its requests.")
        return int(found[1]) - self._own


@contextmanager
def upstream(
    home: Path, files: Mapping[str, Any], searches: Mapping[str, str] | None = None
) -> Iterator[Upstream]:
    """Serve files from below `home` within the block.

    `searches` names the file for a list of ids (`_id=a,b`), with the comma as it is or escaped.
    """
    for path, content in {**files, "absent.json": _ABSENT}.items():
        target = home / "files" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(msgspec.json.encode(content))
    port = free_port()
    lists = {
        ids.replace(",", comma): name
        for ids, name in (searches or {}).items()
        for comma in (",", "%2C")
    }
    configuration = home / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.substitute(
            home=home.resolve(),
            port=port,
            searches=" ".join(f'"{ids}" {name};' for ids, name in lists.items()),
        )
    )
    url = f"http://127.0.0.1:{port}"
    command = ["nginx", "-c", str(configuration.resolve())]
    with running(
        command, core=LOAD_CORE, log=home / "nginx.log", ready=f"{url}/-status"
    ) as started:
        yield Upstream(url, started)
