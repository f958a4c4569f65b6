"""What is in `deploy/`: pinned, and of this version. `.ci/deployment` checks the rest."""

import json
import re
import tomllib
from pathlib import Path

from group_gateway.config import PREFIX, SETTINGS
from group_gateway.config.settings_table import SECRETS

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "group-gateway"
DECIDED = {"host", "port", "uds", "uds_mode", "admin_host", "admin_port"}
"""Settings that the chart makes itself: the Service, probes and monitors depend on them."""
COMPOSE = (ROOT / "deploy" / "compose" / "compose.yaml").read_text()


def test_the_chart_is_of_this_version() -> None:
    """The chart installs the image of the version that it lies beside."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"\nappVersion: {project['version']}\n" in (CHART / "Chart.yaml").read_text()


def test_compose_names_images_by_digest() -> None:
    """No image but our own, which is built, can be replaced behind its tag."""
    images = re.findall(r"image: (\S+)", COMPOSE)
    assert len(images) >= 6
    ours = "group-gateway:local"
    assert [one for one in images if one != ours and not re.search(r"@sha256:\w{64}$", one)] == []


def test_compose_sets_what_is_a_setting() -> None:
    """Each variable of the gateway's in the compose file is one."""
    names = re.findall(rf"^ +{PREFIX}([A-Z_]+):", COMPOSE, re.MULTILINE)
    assert {name.lower() for name in names} <= SETTINGS.keys()


def test_the_proxy_of_compose_follows_addresses() -> None:
    """A replica that is created again may have another address: nginx 1.27.3 resolves it anew."""
    [major, minor] = map(int, re.findall(r"image: nginx:(\d+)\.(\d+)", COMPOSE)[0])
    assert (major, minor) > (1, 27)
    text = (ROOT / "deploy" / "compose" / "nginx.conf").read_text()
    servers = re.findall(r"^ +server gateway-\d:8000(.*)$", text, re.MULTILINE)
    assert len(servers) == 2
    assert all(options.startswith(" resolve ") for options in servers)
    assert "resolver 127.0.0.11 " in text
    assert "zone gateway " in text


def test_the_chart_takes_each_setting_once() -> None:
    """Its schema names all settings: secrets in the Secret only, none that the chart decides."""
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]
    taken = {
        name: set(schema[name]["propertyNames"]["enum"]) for name in ("settings", "secretSettings")
    }
    files = {f"{name}_file" for name in SECRETS}
    assert taken["settings"] == SETTINGS.keys() - SECRETS - DECIDED | files
    assert taken["secretSettings"] == SETTINGS.keys() - DECIDED


def test_the_chart_names_settings_that_exist() -> None:
    """The settings of the default values, and those that the templates set, exist."""
    values = (CHART / "values.yaml").read_text()
    [block] = re.findall(r"^settings:\n((?:  .*\n)+)", values, re.MULTILINE)
    helpers = (CHART / "templates" / "_helpers.tpl").read_text()
    names = re.findall(r"^  (\w+):", block, re.MULTILINE) + re.findall(
        r'\$settings "(\w+)"', helpers
    )
    assert set(names) <= SETTINGS.keys()
