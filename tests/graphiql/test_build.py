"""The build hook that pip runs, and the sources it builds from."""

import json
import shutil
from pathlib import Path

import pytest
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.builders.wheel import WheelBuilder
from hatchling.plugin.utils import load_plugin_from_script

ROOT = Path(__file__).parents[2]
SOURCES = Path("src/graphiql")
ASSETS = Path("src/group_gateway/http/graphiql_assets")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Copy what the hook works on, with the assets that the installed package has."""
    ignored = shutil.ignore_patterns("node_modules", "__pycache__")
    for folder in (SOURCES, ASSETS):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    return tmp_path


def build(checkout: Path) -> None:
    """Run the hook as hatchling does."""
    script = str(checkout / SOURCES / "hatch_build.py")
    hook = load_plugin_from_script(script, "hatch_build", BuildHookInterface, "build_hook")
    builder = WheelBuilder(str(checkout))
    hook(str(checkout), {}, builder.config, builder.metadata, "", "wheel").initialize(
        "standard", {}
    )


def test_what_is_current_is_not_built_again(checkout: Path) -> None:
    """The package under test has the assets of these very sources, so nothing is done."""
    marker = checkout / ASSETS / "marker"
    marker.touch()
    build(checkout)
    assert marker.exists()


def test_a_failure_is_one_sentence(checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A build that cannot succeed ends with the reason, and leaves the assets alone."""
    (checkout / SOURCES / "package.json").write_text("{")
    with pytest.raises(SystemExit):
        build(checkout)
    told = capfd.readouterr()
    (sentence,) = (told.out + told.err).splitlines()
    assert sentence.startswith("GraphiQL could not be built: npm-cli failed: ")
    assert "package.json" in sentence
    assert (checkout / ASSETS / "manifest.json").exists()


def test_the_lock_pins_contents_and_no_addresses() -> None:
    """Every package is locked by its hash; the registry is up to the builder."""
    lock = json.loads((ROOT / SOURCES / "package-lock.json").read_bytes())
    packages = [package for path, package in lock["packages"].items() if path]
    assert packages
    assert all(package["integrity"].startswith("sha512-") for package in packages)
    assert not any("resolved" in package for package in packages)
