import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ROOT, run } from './command-line.js';
import { copyOfThis, emptyRepository } from './testing-repository.js';

const DIGEST = `sha256:${'5e'.repeat(32)}`;

/** Runs the command in a repository. */
async function release(root: string, ...args: string[]) {
  const printed: string[] = [];
  const complaints: string[] = [];
  const status = await run(root, args, {
    print: (line) => printed.push(line),
    complain: (line) => complaints.push(line),
  });
  return { status, printed: printed.join('\n'), complaints: complaints.join('\n') };
}

t.test('a release that cannot be is refused with what to do, and leaves nothing', async (t) => {
  const repository = emptyRepository(t);
  const { root } = repository;
  repository.write(
    'CHANGELOG.md',
    '# Changelog\n\n## [Unreleased]\n\n- later\n\n## [1.0.0] - 2026-01-01\n\n- first\n',
  );
  repository.write('services/catalog/recordings/1.0.0/small.jsonl', '{}\n');
  repository.commit();
  repository.git('tag', 'v1.0.0');
  const refused = async (version: string, wanted: RegExp): Promise<void> => {
    const { status, complaints } = await release(root, version);
    t.equal(status, 1, version);
    t.match(complaints, wanted);
    t.notOk(existsSync(join(root, '.rigel', 'release', version)));
  };
  for (const version of ['1.2', 'v1.2.3', '1.2.3+build', '01.2.3', '1.2.3-', 'latest'])
    await refused(version, /^no release: .* is not a version: give one like 1\.2\.3 or 1\.2\.3-rc\.1/);
  await refused('1.0.0', /^no release: 1\.0\.0 exists: git has the tag v1\.0\.0/);
  await refused('1.1.0', /CHANGELOG\.md has no section \[1\.1\.0\] \(it has Unreleased, 1\.0\.0\)/);

  const changelog = (section: string) => {
    repository.write('CHANGELOG.md', `# Changelog\n\n${section}\n\n## [1.0.0] - 2026-01-01\n\n- first\n`);
    repository.commit();
  };
  changelog('## [1.1.0] - unreleased\n\n- new');
  await refused('1.1.0', /the section \[1\.1\.0\] of CHANGELOG\.md has no date/);
  changelog('## [1.1.0] - 2026-02-01');
  await refused('1.1.0', /the section \[1\.1\.0\] of CHANGELOG\.md is empty/);
  changelog('## [1.1.0] - 2026-02-01\n\n- new');
  await refused('1.1.0', /no recordings of 1\.1\.0 for catalog: run pnpm record 1\.1\.0/);

  repository.write('services/catalog/recordings/1.1.0/small.jsonl', '{}\n');
  repository.write('docs/openapi/1.0.0.json', '{}\n');
  repository.commit();
  await refused('1.1.0', /docs\/openapi\/1\.1\.0\.json is missing: run pnpm keep-contracts 1\.1\.0/);
  repository.write('docs/openapi/1.1.0.json', '{}\n');
  await refused('1.1.0', /the tree differs from its last commit \(docs\/openapi\/1\.1\.0\.json\): commit/);
  repository.commit();
  const out = join(root, '.rigel', 'there');
  mkdirSync(out, { recursive: true });
  const again = await release(root, '1.1.0', '--out', out);
  t.equal(again.status, 1);
  t.match(again.complaints, /there exists: remove it to make 1\.1\.0 again, or name another folder/);
});

t.test('a wrong command is answered with its usage', async (t) => {
  for (const args of [[], ['1.0.0', '2.0.0'], ['1.0.0', '--push'], ['1.0.0', '--image', 'rigel:latest']]) {
    const { status, complaints } = await release(ROOT, ...args);
    t.equal(status, 2);
    t.match(complaints, /usage: pnpm release <version>/);
  }
});

t.test('a release has all its files, and a new project can use its package', async (t) => {
  const repository = copyOfThis(t);
  const { root } = repository;
  repository.write('CHANGELOG.md', '# Changelog\n\n## [9.8.7] - 2026-02-03\n\n### Added\n\n- Something.\n');
  for (const service of ['access', 'catalog', 'inventory', 'scheduler'])
    repository.write(`services/${service}/recordings/9.8.7/small-runs.jsonl`, '{}\n');
  for (const folder of ['docs/openapi', 'packages/contracts/schemas/releases'])
    repository.write(`${folder}/9.8.7.json`, '{}\n');
  repository.commit();
  const out = join(mkdtempSync(join(tmpdir(), 'rigel-release-test-')), '9.8.7');
  t.teardown(() => rmSync(join(out, '..'), { recursive: true, force: true }));
  const { status, complaints, printed } = await release(
    root,
    '9.8.7',
    ...['--out', out, '--image', `registry.test/fleet/rigel@${DIGEST}`],
  );
  t.equal(complaints, '', printed);
  t.equal(status, 0);
  t.equal(repository.git('status', '--porcelain'), '', 'the repository is as it was');
  t.strictSame(readdirSync(out).sort(), [
    'SHA256SUMS',
    'rigel-9.8.7-kubernetes.tar.gz',
    'rigel-9.8.7-nats-messages.json',
    'rigel-9.8.7-openapi.json',
    'rigel-9.8.7-recordings.tar.gz',
    'rigel-9.8.7-release-notes.md',
    'rigel-9.8.7-sbom.cdx.json',
    'rigel-api-client-9.8.7.tgz',
    'rigel-cli-9.8.7.tgz',
  ]);
  const file = (name: string): string => join(out, name);

  t.test('notes, sums and the list of libraries', async (t) => {
    t.equal(readFileSync(file('rigel-9.8.7-release-notes.md'), 'utf8'), '### Added\n\n- Something.\n');
    const sums = readFileSync(file('SHA256SUMS'), 'utf8').trim().split('\n');
    t.equal(sums.length, readdirSync(out).length - 1);
    for (const line of sums) {
      const [sum, name = ''] = line.split('  ');
      t.equal(
        createHash('sha256')
          .update(readFileSync(file(name)))
          .digest('hex'),
        sum,
        name,
      );
    }
    const { components } = JSON.parse(readFileSync(file('rigel-9.8.7-sbom.cdx.json'), 'utf8'));
    t.ok(components.some(({ name }: { name: string }) => name === 'fastify'));
  });

  t.test('the manifests name the image by its digest', async (t) => {
    const folder = mkdtempSync(join(out, '..', 'kubernetes-'));
    execFileSync('tar', ['-xzf', file('rigel-9.8.7-kubernetes.tar.gz'), '-C', folder]);
    for (const overlay of ['dev', 'production']) {
      const path = join(folder, 'rigel-9.8.7-kubernetes/kubernetes/overlays', overlay, 'kustomization.yaml');
      const text = readFileSync(path, 'utf8');
      t.match(text, /newName: registry\.test\/fleet\/rigel/);
      t.match(text, `digest: ${DIGEST}`);
      t.notMatch(text, /newTag: 0/);
    }
    t.match(readFileSync(join(folder, 'rigel-9.8.7-kubernetes/nats/nats.conf'), 'utf8'), /\S/);
  });

  t.test('recordings unpack to their places', async (t) => {
    const listed = execFileSync('tar', ['-tzf', file('rigel-9.8.7-recordings.tar.gz')], { encoding: 'utf8' });
    t.match(listed, 'services/scheduler/recordings/9.8.7/small-runs.jsonl');
  });

  t.test('npm installs the command line, which needs nothing else', async (t) => {
    const prefix = mkdtempSync(join(out, '..', 'global-'));
    const options = ['--global', '--prefix', prefix, '--offline', '--no-audit'];
    execFileSync('npm', ['install', ...options, file('rigel-cli-9.8.7.tgz')], { stdio: 'pipe' });
    const rigel = join(prefix, 'bin', 'rigel');
    t.equal(execFileSync(rigel, ['--version'], { encoding: 'utf8' }), 'rigel 9.8.7\n');
    t.match(execFileSync(rigel, ['help', 'task', 'list'], { encoding: 'utf8' }), 'rigel task list');
    t.match(readFileSync(join(prefix, 'share', 'man', 'man1', 'rigel.1'), 'utf8'), '.TH RIGEL 1');
    const folder = join(prefix, 'lib', 'node_modules', '@rigel', 'cli');
    t.ok(statSync(join(folder, 'rigel.cjs')).size <= 600 * 1024, 'one file of at most 600 KiB');
    t.notOk(existsSync(join(folder, 'node_modules')), 'without libraries beside it');
  });

  t.test('a new project installs the client, with its types', async (t) => {
    const project = mkdtempSync(join(out, '..', 'project-'));
    writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }\n');
    execFileSync('npm', ['install', '--prefer-offline', '--no-audit', file('rigel-api-client-9.8.7.tgz')], {
      cwd: project,
      stdio: 'pipe',
    });
    const program = (name: string): string => `
      import { type Cluster, createClient, unwrap } from '@rigel/api-client';
      const client = createClient('http://127.0.0.1:1', { operator: 'me' });
      const cluster = await unwrap(client.GET('/cluster/{id}', { params: { path: { id: 1 } } }));
      const seen: Cluster['name'] = cluster.${name};
      console.log(seen);
    `;
    const compile = (name: string): string => {
      writeFileSync(join(project, 'example.ts'), program(name));
      const options = ['--strict', '--module', 'nodenext', '--target', 'es2023', '--lib', 'es2023,dom'];
      const args = [...options, '--types', '', '--outDir', 'out', 'example.ts'];
      try {
        execFileSync(join(ROOT, 'node_modules', '.bin', 'tsc'), args, { cwd: project, encoding: 'utf8' });
        return '';
      } catch (error) {
        return (error as { stdout: string }).stdout;
      }
    };
    t.match(compile('no_such_field'), /Property 'no_such_field' does not exist/);
    t.equal(compile('name'), '');
    const { version, private: hidden } = JSON.parse(
      readFileSync(join(project, 'node_modules/@rigel/api-client/package.json'), 'utf8'),
    );
    t.strictSame([version, hidden], ['9.8.7', undefined]);
    // Nothing listens there: the call fails in the client, which therefore was loaded.
    t.throws(
      () => execFileSync(process.execPath, ['out/example.js'], { cwd: project, stdio: 'pipe' }),
      /fetch failed/,
    );
  });
});
