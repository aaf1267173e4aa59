#!/usr/bin/env bash
# Writes the libraries in the image with name, version, licence and hash, as CycloneDX (JSON): the dependencies of the services and
# the command line at run time, from the lock file.
set -euo pipefail
file=${1:?usage: sbom.sh <file>}
[[ $file = /* ]] || file=$PWD/$file
cd "$(dirname "$0")/../.."

command -v pnpm > /dev/null || pnpm() { npx --yes pnpm@12 "$@"; }
parts=()
for part in gateway inventory catalog scheduler executor access database-cli cli; do parts+=(--filter "@rigel/$part"); done
pnpm sbom --sbom-format cyclonedx --sbom-type application --prod "${parts[@]}" --out "$file"
