#!/usr/bin/env bash
# Builds the content of the image in a folder: the compiled services and command line, with everything that they need to run and
# nothing else. The Dockerfile runs this script. It needs node and pnpm, and no container engine.
set -euo pipefail
target=${1:?usage: build.sh <folder>}
cd "$(dirname "$0")/../.."

pnpm install --frozen-lockfile --prefer-offline
pnpm build
pnpm console
mkdir -p "$target"
for part in gateway inventory catalog scheduler executor access; do
  pnpm --filter "@rigel/$part" deploy --prod --legacy --prefer-offline "$target/$part"
done
pnpm --filter @rigel/database-cli deploy --prod --legacy --prefer-offline "$target/rigel"
cp deploy/image/start.mjs "$target/"
# The image needs no sources and tests.
find "$target" -path '*/node_modules/.pnpm/*' -prune -o -type d -name src -print0 | xargs -0 -r rm -rf
find "$target" -type f -path '*/dist/*' \( -name '*.test.js' -o -name '*.test.js.map' -o -name '*.test.d.ts' \) -delete
# For scanners of images: the list of libraries in the image.
deploy/image/sbom.sh "$target/sbom.cdx.json"
