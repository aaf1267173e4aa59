#!/usr/bin/env bash
# Builds what the image holds into a folder: the services and the command line, compiled, with what they need to run and
# nothing else. The Dockerfile runs it; it needs node and pnpm, and no container engine.
set -euo pipefail
target=${1:?usage: build.sh <folder>}
cd "$(dirname "$0")/../.."

pnpm install --frozen-lockfile --prefer-offline
pnpm build
mkdir -p "$target"
for part in gateway inventory catalog scheduler executor access; do
  pnpm --filter "@rigel/$part" deploy --prod --legacy --prefer-offline "$target/$part"
done
pnpm --filter @rigel/cli deploy --prod --legacy --prefer-offline "$target/rigel"
cp deploy/image/start.mjs "$target/"
# Sources and tests are of no use there.
find "$target" -path '*/node_modules/.pnpm/*' -prune -o -type d -name src -print0 | xargs -0 -r rm -rf
find "$target" -type f -path '*/dist/*' \( -name '*.test.js' -o -name '*.test.js.map' -o -name '*.test.d.ts' \) -delete
# For scanners of images: what is in it.
deploy/image/sbom.sh "$target/sbom.cdx.json"
