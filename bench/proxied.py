"""POSTs through nginx with a pool of connections, with pauses between them, by status.

A gateway that closed an idle connection just as nginx takes it from the pool would make a 502 of
the POST. So the whole pool stays idle for about as long as proxies and servers usually allow.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template

import httpx

from bench.gateway import WARM, gateway
from bench.install import need
from bench.nginx import upstream
from bench.progress import tell
from bench.resources import group, group_files
from bench.system import LOAD_CORE, free_port, running

PAUSES = (2, 4.9, 5, 5.1, 10, 15, 30, 59.9, 60, 60.1, 75)
"""Seconds: what servers, balancers and pools close idle connections after, and just around it."""
_AT_ONCE = 32
_CONFIGURATION = Template("""\
worker_processes 1; daemon off; master_process off;
pid $home/proxy.pid; error_log $home/proxy.err warn;
events { worker_connections 1024; }
http {
  access_log off; keepalive_timeout 600s; keepalive_requests 100000000;
  client_body_temp_path $home/t; proxy_temp_path $home/t; fastcgi_temp_path $home/t;
  uwsgi_temp_path $home/t; scgi_temp_path $home/t;
  upstream group_gateway { server $gateway; keepalive 64; keepalive_timeout 60s; }
  server {
    listen 127.0.0.1:$port;
    location = /-ready { return 204; }
    location / {
      proxy_pass http://group_gateway;
      proxy_http_version 1.1;
      proxy_set_header Host $$http_host;
      proxy_set_header Connection "";
    }
  }
}
""")


def run(work: Path, posts: int, pauses: list[float]) -> None:
    """Send `posts` POSTs with pauses between bursts; print the number of responses by status."""
    need(["nginx", "taskset"])
    one = group("W1", 3)
    with (
        upstream(work / "proxied", group_files([one])) as source,
        gateway(WARM, source.url, work) as target,
        _proxy(work, httpx.URL(target.url).netloc.decode()) as url,
    ):
        found = asyncio.run(_sent(f"{url}/graphql", one["id"], posts, pauses))
    for status, count in sorted(found.items()):
        sys.stdout.write(f"{status:12} {count:6}\n")


@contextmanager
def _proxy(work: Path, address: str) -> Iterator[str]:
    port = free_port()
    configuration = work / "proxy.conf"
    configuration.write_text(_CONFIGURATION.substitute(home=work, port=port, gateway=address))
    url = f"http://127.0.0.1:{port}"
    with running(
        ["nginx", "-c", str(configuration)],
        core=LOAD_CORE,
        log=work / "proxy.log",
        ready=f"{url}/-ready",
    ):
        yield url


async def _sent(url: str, id: str, posts: int, pauses: list[float]) -> Counter[str]:
    body = {"query": f'{{ group(id: "{id}") {{ id name }} }}'}
    headers = {"authorization": "Bearer bench"}
    found: Counter[str] = Counter()
    limits = httpx.Limits(max_connections=_AT_ONCE, keepalive_expiry=None)
    async with httpx.AsyncClient(limits=limits, timeout=30, headers=headers) as http:

        async def send(count: int) -> None:
            for _ in range(count):
                try:
                    response = await http.post(url, json=body)
                except httpx.TransportError as failure:
                    found[type(failure).__name__] += 1
                else:
                    found[str(response.status_code)] += 1

        rest = posts
        for bursts, pause in zip(range(len(pauses) + 1, 0, -1), [0.0, *pauses], strict=True):
            await asyncio.sleep(pause)
            burst, rest = rest // bursts, rest - rest // bursts
            shares = (burst // _AT_ONCE + (n < burst % _AT_ONCE) for n in range(_AT_ONCE))
            await asyncio.gather(*map(send, shares))
            tell(f"{burst} POSTs after {pause:g} s: {dict(found)} in all")
    return found
