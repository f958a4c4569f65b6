"""What is installed is what the locks name: nothing is left for pip to decide."""

import itertools
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
GROUPS = PROJECT["dependency-groups"]
SERVE = PROJECT["project"]["dependencies"]
ROOTS = {
    "constraints.txt": SERVE,
    ".ci/constraints.txt": [*SERVE, *EXTRAS["dev"], *GROUPS["build"]],
    ".ci/build.txt": GROUPS["build"],
    ".ci/container.txt": [*SERVE, *EXTRAS["otel"]],
    ".ci/audit.txt": GROUPS["audit"],
    ".ci/docs.txt": GROUPS["docs"],
    ".ci/sbom.txt": GROUPS["sbom"],
    ".ci/deployment.txt": GROUPS["deployment"],
    ".ci/valkey.txt": GROUPS["valkey"],
    "bench/constraints.txt": [*SERVE, *EXTRAS["bench"]],
}
PYTHONS = ["3.11.0", "3.11.9", "3.12.0", "3.13.0", "3.14.0"]
SYSTEMS = [("linux", "Linux", "posix"), ("darwin", "Darwin", "posix"), ("win32", "Windows", "nt")]
ENVIRONMENTS = [
    default_environment()
    | {
        "python_version": python.rpartition(".")[0],
        "python_full_version": python,
        "implementation_version": python,
        "sys_platform": sys_platform,
        "platform_system": system,
        "os_name": os_name,
    }
    for python, (sys_platform, system, os_name) in itertools.product(PYTHONS, SYSTEMS)
]
TRACKED = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
).stdout.split()
COMMANDS = [
    "Dockerfile",
    *(name for name in TRACKED if re.match(r"\.ci/\w+$|\.github/workflows/", name)),
    *(
        name
        for name in TRACKED
        if re.match(r"README|docs/.*\.md|bench/README|\.github/.*\.md", name)
    ),
]


def locked(lock: str) -> list[tuple[Requirement, str]]:
    """Return the requirements of a lock, each with its hashes."""
    logical = (ROOT / lock).read_text().replace("\\\n", " ").splitlines()
    parts = (line.partition(" --hash=") for line in logical if line.strip())
    return [(Requirement(requirement), hashes) for requirement, _, hashes in parts]


def pins(lock: str, environment: dict[str, str]) -> dict[str, Requirement]:
    """Return what a lock installs in an environment, by name."""
    return {
        canonicalize_name(pin.name): pin
        for pin, _ in locked(lock)
        if pin.marker is None or pin.marker.evaluate(environment)
    }


def needs(pin: Requirement, environment: dict[str, str]) -> Iterator[Requirement]:
    """Yield what a package with its extras needs, by the metadata of the one installed here."""
    try:
        package = distribution(pin.name)
    except PackageNotFoundError:
        return
    for text in package.requires or []:
        need = Requirement(text)
        contexts = [environment | {"extra": extra} for extra in ["", *pin.extras]]
        if need.marker is None or any(map(need.marker.evaluate, contexts)):
            yield need


def unmet(lock: str, environment: dict[str, str]) -> Iterator[str]:
    """Yield each requirement that the lock leaves open in an environment."""
    chosen = pins(lock, environment)
    wanted = [(ROOT.name, Requirement(text)) for text in ROOTS[lock]]
    wanted += [(pin.name, need) for pin in chosen.values() for need in needs(pin, environment)]
    for whose, need in wanted:
        if need.marker and whose == ROOT.name and not need.marker.evaluate(environment):
            continue
        pin = chosen.get(canonicalize_name(need.name))
        version = str(pin.specifier).removeprefix("==") if pin else ""
        if not pin or not need.specifier.contains(version, prereleases=True):
            yield f"{whose} needs {need}, the lock has {pin}"
        elif missing := need.extras - pin.extras:
            yield f"{whose} needs {need}, the lock lacks {missing}"


@pytest.mark.parametrize("lock", ROOTS)
def test_a_lock_is_complete(lock: str) -> None:
    """All that a locked package needs, with its extras, is locked, on every Python and system."""
    assert {line for environment in ENVIRONMENTS for line in unmet(lock, environment)} == set()


@pytest.mark.parametrize("lock", ROOTS)
def test_a_lock_pins_by_hash(lock: str) -> None:
    """A lock names one version of each package and the hashes of its files, and no address."""
    assert "://" not in (ROOT / lock).read_text()
    for pin, hashes in locked(lock):
        assert re.fullmatch(r"==[^*,]+", str(pin.specifier)), pin
        assert re.fullmatch(r"sha256:\w{64}(\s+--hash=sha256:\w{64})*\s*", hashes), pin


def test_locks_agree() -> None:
    """No two locks name different versions of a package for the same environment."""
    for environment in ENVIRONMENTS:
        everywhere = [
            {name: str(pin.specifier) for name, pin in pins(lock, environment).items()}
            for lock in ROOTS
        ]
        for one, other in itertools.combinations(everywhere, 2):
            assert {name: one[name] for name in one.keys() & other.keys()} == {
                name: other[name] for name in one.keys() & other.keys()
            }


def test_a_build_in_isolation_is_pinned() -> None:
    """The build system's requirements are the versions of the lock, and all that they need."""
    chosen = {canonicalize_name(Requirement(text).name): Requirement(text) for text in build()}
    for name, pin in pins(".ci/build.txt", ENVIRONMENTS[0]).items():
        assert chosen[name].specifier == pin.specifier
    assert all(str(pin.specifier).startswith("==") for pin in chosen.values())


def build() -> list[str]:
    """Return what a build in isolation installs, also what the build hook asks for."""
    hook = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
    return [*PROJECT["build-system"]["requires"], *hook["dependencies"]]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_install_is_from_a_lock(name: str) -> None:
    """No command that the project runs or shows leaves pip anything to resolve."""
    for words in re.findall(r"pip\"? (?:install|wheel)( [^`&|\n]*)", (ROOT / name).read_text()):
        if re.search(r" (-r|--no-build-isolation|\.|\S*\.whl)(\s|$)", words):
            assert " --no-deps " in words
        if re.search(r" -e \.| \.(\s|$)", words):
            assert " --no-build-isolation " in words


@pytest.mark.parametrize("name", [name for name in TRACKED if name.endswith("package-lock.json")])
def test_node_packages_are_locked(name: str) -> None:
    """Every Node.js package is locked by its hash, without a registry's address."""
    packages = json.loads((ROOT / name).read_bytes())["packages"]
    for path, package in packages.items():
        if path and not package.get("link"):
            assert "resolved" not in package
            assert package.get("inBundle") or package["integrity"].startswith("sha512-"), path


def test_images_and_actions_are_pinned() -> None:
    """Base images are named by digest and actions by commit, so that neither can be replaced."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    for image in re.findall(r"^FROM (?:--\S+ )?(\S+)", dockerfile, re.MULTILINE):
        assert re.search(r"@sha256:\w{64}$", image)
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        text = path.read_text()
        for action in re.findall(r"uses: (\S+)", text):
            assert re.search(r"@[0-9a-f]{40}$", action), (path.name, action)
        for image in re.findall(r"\bpython:\S+", text):
            assert re.search(r"@sha256:\w{64}$", image), (path.name, image)
