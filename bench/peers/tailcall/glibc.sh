#!/bin/sh
# tailcall's binary wants glibc 2.39. Where the system's is older, Debian 13's is unpacked beside
# it, not installed; it comes from the mirror that apt is set up with.
set -eu
mkdir -p apt/lists/partial apt/cache/archives/partial
uri=$(apt-get indextargets --format '$(REPO_URI)' \
  'Created-By: Packages' 'Origin: Debian' 'Component: main' | head -1)
cat > apt/trixie.sources <<SOURCES
Types: deb
URIs: $uri
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
set -- -o Dir::Etc::sourcelist="$PWD/apt/trixie.sources" -o Dir::Etc::sourceparts=- \
  -o Dir::State::lists="$PWD/apt/lists" -o Dir::Cache="$PWD/apt/cache" \
  -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
apt-get "$@" update -q
(cd apt && apt-get "$@" download libc6/trixie libgcc-s1/trixie)
mkdir glibc
for package in apt/*.deb; do dpkg-deb -x "$package" glibc; done
