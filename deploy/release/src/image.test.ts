import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import t, { type Test } from 'tap';
import { buildImage } from './image.js';

/*
 * Which tool builds the image, with tools of the test's own: the real ones need a base image, which a test does not
 * load.
 */

const DIGEST = `sha256:${'ab'.repeat(32)}`;

/** A folder as the whole of PATH, with `tar` and these programs, which note how they are called. */
function withTools(t: Test, tools: Record<string, string>): { folder: string; calls: () => string } {
  const folder = mkdtempSync(join(tmpdir(), 'rigel-image-test-'));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const [name, script] of Object.entries(tools)) {
    const text = `#!/bin/sh\necho ${name} "$@" >> ${folder}/calls\n${script}\n`;
    writeFileSync(join(bin, name), text);
    chmodSync(join(bin, name), 0o755);
  }
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ manifests: [{ digest: DIGEST }] }));
  const tar = execFileSync('sh', ['-c', 'command -v tar'], { encoding: 'utf8' }).trim();
  writeFileSync(join(bin, 'tar'), `#!/bin/sh\nexec ${tar} "$@"\n`);
  chmodSync(join(bin, 'tar'), 0o755);
  execFileSync(tar, ['-cf', join(folder, 'archive.tar'), '-C', folder, 'index.json']);
  const before = process.env.PATH ?? '';
  // The rest of PATH is kept for `sh` and `cp`, less the tools that this machine may have.
  process.env.PATH = [bin, '/usr/bin', '/bin'].join(delimiter);
  t.teardown(() => {
    process.env.PATH = before;
    rmSync(folder, { recursive: true, force: true });
  });
  return { folder, calls: () => readFileSync(join(folder, 'calls'), 'utf8') };
}

const NOT_THERE = 'echo "it does not run here" >&2; exit 1';

const build = (folder: string) =>
  buildImage({
    context: folder,
    dockerfile: 'deploy/Dockerfile',
    labels: { 'org.opencontainers.image.version': '1.2.3' },
    file: join(folder, 'image.tar'),
  });

t.test('docker builds where its daemon answers', async (t) => {
  const { folder, calls } = withTools(t, {
    docker: '[ $2 = build ] && cp $(dirname $0)/../archive.tar $(dirname $0)/../image.tar; true',
  });
  t.strictSame(await build(folder), { digest: DIGEST, tool: 'docker' });
  t.match(
    calls(),
    /docker buildx build .*--label org\.opencontainers\.image\.version=1\.2\.3 --output type=oci,dest=/,
  );
});

t.test('where it does not, another tool does', async (t) => {
  const { folder, calls } = withTools(t, {
    docker: NOT_THERE,
    podman: NOT_THERE,
    buildah: '[ $1 = push ] && cp $(dirname $0)/../archive.tar $(dirname $0)/../image.tar; true',
  });
  t.strictSame(await build(folder), { digest: DIGEST, tool: 'buildah' });
  t.match(calls(), /buildah push localhost\/rigel-release oci-archive:.*image\.tar\n$/);
});

t.test('where none can, each says why', async (t) => {
  const { folder } = withTools(t, { docker: NOT_THERE, podman: NOT_THERE, buildah: NOT_THERE });
  t.match(await build(folder), {
    impossible: [
      /^docker buildx version failed: it does not run here$/,
      /^podman info failed: it does not run here$/,
      /^buildah info failed: it does not run here$/,
    ],
  });
});

t.test('a tool that fails in the middle is not the end', async (t) => {
  const { folder } = withTools(t, {
    docker: '[ $2 = build ] && { echo "no space left" >&2; exit 1; }; true',
    podman: '[ $1 = save ] && cp $(dirname $0)/../archive.tar $(dirname $0)/../image.tar; true',
    buildah: NOT_THERE,
  });
  t.strictSame(await build(folder), { digest: DIGEST, tool: 'podman' });
});
