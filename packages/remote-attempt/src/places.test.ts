import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import type { AttemptOutcome } from './attempt-outcome.js';
import type { AttemptSpec } from './attempt-spec.js';
import { type NodeConnection, shellOf } from './node-connection.js';
import { type AttemptPlace, attemptCommand, startPreparation } from './node-script.js';
import { type RunOptions, runAttempt } from './run-attempt.js';
import { pruneAttempts, stopAttempt } from './stop-attempt.js';
import { type NodeUnderTest, startNodeUnderTest, until } from './testing/node-under-test.js';
import { type PosixShell, posixShells } from './testing/shells.js';
import { mountSmallDisk, type SmallDisk } from './testing/small-disk.js';

/*
 * Nodes whose home folder cannot be written: what is begun elsewhere is recorded first, and never begun again.
 */

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
const { shells, missing, remove } = await posixShells();
t.teardown(remove);
for (const name of missing) t.pass(`${name} is not installed`, { skip: true });

type Tried = AttemptOutcome & { text: string; recorded: AttemptPlace[]; why: string };

interface Node {
  node: NodeUnderTest;
  disk: SmallDisk;
  /** A folder in which any user may make files, as in /dev/shm. */
  root: string;
  /** Where attempts are that home cannot take. */
  place: string;
  connection: NodeConnection;
  attempt(text: string): AttemptSpec;
  attemptOf(key: string, text: string): AttemptSpec;
  tryOut(spec: AttemptSpec, options?: Partial<RunOptions>): Promise<Tried>;
  /** The memory is empty after a restart. */
  wipe(): Promise<void>;
}

async function fullNode(t: { teardown(fn: () => unknown): void }, shell?: PosixShell): Promise<Node> {
  const node = await startNodeUnderTest({}, shell);
  t.teardown(() => node.stop());
  const disk = await mountSmallDisk(node.sshd.home);
  t.teardown(() => disk.unmount());
  const root = await mkdtemp(join(tmpdir(), 'rigel-shm-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  await chmod(root, 0o1777);
  node.settings.attemptFolders = { folder: root, memory: false };
  const connection = await node.connect();
  const place = join(root, `rigel-${node.sshd.user}`);
  return {
    node,
    disk,
    root,
    place,
    connection,
    attempt: (text) => ({ key: randomUUID(), actions: [{ kind: 'command', text, name: 'try' }] }),
    attemptOf: (key, text) => ({ key, actions: [{ kind: 'command', text, name: 'try' }] }),
    tryOut: async (spec, options = {}) => {
      let text = '';
      let why = '';
      const recorded: AttemptPlace[] = [];
      const outcome = await runAttempt(connection, spec, {
        onOutput: ({ data }) => {
          text += data.toString();
        },
        beginElsewhere: async (at, because) => {
          recorded.push({ ...at });
          why = because;
          return undefined;
        },
        ...options,
      });
      return { ...outcome, text, recorded, why };
    },
    wipe: () => rm(place, { recursive: true, force: true }),
  };
}

const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();

if (!isRoot) t.pass('full disks', { skip: 'needs root, for small disks' });
else {
  t.jobs = shells.length;
  for (const shell of shells) {
    t.test(`under ${shell.name}`, { buffered: true }, async (t) => {
      const it = await fullNode(t, shell);
      const { disk, node, connection, attempt, tryOut } = it;
      const home = node.sshd.home;
      t.match(await tryOut(attempt('echo fits')), { kind: 'exited', exitCode: 0, recorded: [] });

      const kinds: [string, () => Promise<void>, string][] = [
        ['no space', () => disk.fill(), 'rm filling'],
        ['no inodes', () => disk.takeInodes(), 'rm inode-*'],
        // Enough for the journal, not for the files of the attempt.
        ['one page left', () => disk.fill(4096), 'rm filling'],
      ];
      for (const [name, take, cleanUp] of kinds) {
        t.test(`${name}: a command runs elsewhere, and the next one at home again`, async (t) => {
          await take();
          const spec = attempt(`pwd; echo err >&2; ${cleanUp}; exit 3`);
          const outcome = await tryOut(spec, { followAfterMs: 20_000 });
          t.match(outcome, {
            kind: 'exited',
            exitCode: 3,
            text: `${home}\nerr\n`,
            recorded: [{ folder: it.place, bootId }],
          });
          t.match(
            outcome.why,
            /^~\/.rigel\/attempts[^ ]* cannot be (made: No space left on device|written \(is the disk full\?\))$/,
          );
          const next = attempt('echo home');
          t.match(await tryOut(next), { kind: 'exited', text: 'home\n', recorded: [] });
          t.match(await readFile(node.journalFile(next.key), 'utf8'), /\nexit 0 0 5 /);
          const [place] = outcome.recorded;
          const again = await tryOut(spec, { place });
          t.match(
            again,
            { kind: 'exited', exitCode: 3, text: outcome.text },
            'it is found where it was recorded',
          );
          const { recorded, kind } = await tryOut(spec);
          t.same(
            { recorded, kind },
            { recorded: [], kind: 'exited' },
            'and also by one who does not know the record',
          );
          await disk.free();
        });
      }

      t.test('a home that is read-only', async (t) => {
        await disk.readOnly(true);
        t.match(await tryOut(attempt('echo x')), {
          kind: 'exited',
          text: 'x\n',
          recorded: [{ folder: it.place }],
          why: /[Rr]ead-only/,
        });
        await disk.readOnly(false);
      });

      t.test('when the place is not recorded, nothing runs', async (t) => {
        await disk.fill();
        const spec = attempt('echo ran');
        const { beginElsewhere, ...none } = { beginElsewhere: undefined };
        const ignore = { onOutput: () => undefined };
        t.match(await runAttempt(connection, spec, { ...ignore, ...none }), {
          kind: 'not_started',
          reason: /cannot be written|cannot be made/,
        });
        const other = attempt('echo ran');
        const refused = await tryOut(other, { beginElsewhere: async () => 'the lease is over' });
        t.match(refused, {
          kind: 'not_started',
          text: '',
          reason: /it was not begun in \/.*: the lease is over$/,
        });
        t.notOk((await readdir(it.place)).includes(`${other.key}.journal`));
        const begun = await runAttempt(connection, attempt('echo ran'), { ...ignore, mayHaveStarted: true });
        t.match(begun, { kind: 'unknown', reason: /whether the command ran cannot be found out/ });
        await disk.free();
      });

      t.test('an attempt that is recorded elsewhere and is not there', async (t) => {
        const spec = attempt('echo ran >> ran');
        const gone = await tryOut(spec, { place: { folder: it.place, bootId } });
        t.match(
          gone,
          { kind: 'unknown', reason: /it was removed, or nothing of it had begun/ },
          'emptied without a restart',
        );
        const place = { folder: it.place, bootId: '11111111-2222-3333-4444-555555555555' };
        const restarted = await tryOut(spec, { place });
        t.match(restarted, { kind: 'unknown', reason: /the node was restarted since/ });
        t.equal(await node.homeFile('ran'), '', 'it is not begun, though there is room at home');
      });

      t.test('the node restarts between the record and the start', async (t) => {
        await disk.fill();
        const outcome = await tryOut(attempt('echo ran'), {
          beginElsewhere: async (place) => {
            place.bootId = '11111111-2222-3333-4444-555555555555';
            return undefined;
          },
        });
        t.match(outcome, {
          kind: 'not_started',
          text: '',
          reason: /the node was restarted before the command could be begun/,
        });
        await disk.free();
      });

      t.test('the node restarts while it runs', async (t) => {
        await disk.fill();
        const spec = attempt('echo ran; sleep 600');
        const controller = new AbortController();
        const recorded: AttemptPlace[] = [];
        const running = tryOut(spec, {
          followAfterMs: 20,
          signal: controller.signal,
          onOutput: () => controller.abort(new Error('left')),
          beginElsewhere: async (place) => {
            recorded.push({ ...place });
            return undefined;
          },
        });
        await t.rejects(running, { message: 'left' });
        t.equal(await stopAttempt(connection, spec.key), 'stopped', 'it is found to be stopped');
        await it.wipe();
        await disk.free();
        t.match(await tryOut(spec, { place: recorded[0] }), { kind: 'unknown', text: '' });
      });

      t.test('an attempt after it, at home, ends what is left of it elsewhere', async (t) => {
        await disk.fill();
        const first = attempt('echo ran; sleep 600');
        const controller = new AbortController();
        const running = tryOut(first, {
          followAfterMs: 20,
          signal: controller.signal,
          onOutput: () => controller.abort(new Error('left')),
        });
        await t.rejects(running, { message: 'left' });
        await disk.free();
        const second = await tryOut({ ...attempt('echo second'), previousKey: first.key });
        t.match(second, { kind: 'exited', text: 'second\n', recorded: [] });
        t.match(await readFile(join(it.place, `${first.key}.journal`), 'utf8'), /\nstopped /);
      });

      t.test('a stop while the disk is full keeps it from beginning', async (t) => {
        await disk.takeInodes();
        const spec = attempt('echo ran');
        t.equal(await stopAttempt(connection, spec.key), 'never_started');
        await disk.free();
        t.match(await tryOut(spec), { kind: 'stopped', text: '', recorded: [] });
        await disk.fill();
        const other = attempt('echo ran');
        const late = tryOut(other, {
          beginElsewhere: async () => {
            t.equal(await stopAttempt(connection, other.key), 'never_started');
            return undefined;
          },
        });
        t.match(await late, { kind: 'stopped', text: '' }, 'also between the record and the start');
        await disk.free();
      });

      t.test('stopped between the record and the start, when the journal at home is finished', async (t) => {
        await disk.fill(4096);
        const spec = attempt('echo ran');
        const late = await tryOut(spec, {
          beginElsewhere: async () => {
            t.equal(await stopAttempt(connection, spec.key), 'never_started');
            return undefined;
          },
        });
        t.not(late.kind, 'exited');
        t.equal(late.text, '');
        await disk.free();
      });

      t.test('old attempts elsewhere are removed after a day', async (t) => {
        await disk.fill();
        const spec = attempt('rm filling');
        t.match(await tryOut(spec), { kind: 'exited', exitCode: 0 });
        await disk.free();
        const journal = join(it.place, `${spec.key}.journal`);
        await run('touch', ['-d', '2 days ago', journal]);
        t.ok((await pruneAttempts(connection, 30)) >= 1);
        t.notMatch((await readdir(it.place)).join(' '), spec.key);
      });

      t.test('files that others have made in the folder are not believed', async (t) => {
        const forged = `\nrun ${bootId} 1 1 .\nexit 0 0 0 .\n`;
        for (const trick of ['folder', 'link'] as const) {
          await it.wipe();
          const elsewhere = join(it.root, 'elsewhere');
          await rm(elsewhere, { recursive: true, force: true });
          const target = trick === 'link' ? elsewhere : it.place;
          await mkdir(target);
          await chmod(target, 0o777);
          if (trick === 'link') {
            // A folder of the node's own user that another user has led the place to.
            const [uid, gid] = (await run('stat', ['-c', '%u %g', home])).stdout
              .trim()
              .split(' ')
              .map(Number);
            await chmod(target, 0o700);
            await chown(target, uid ?? 0, gid ?? 0);
            await symlink(elsewhere, it.place);
          }
          const spec = attempt('echo ran');
          await writeFile(join(target, `${spec.key}.journal`), forged);
          await chmod(join(target, `${spec.key}.journal`), 0o644);
          t.match(
            await tryOut(spec),
            { kind: 'exited', text: 'ran\n', recorded: [] },
            `${trick}: it runs at home`,
          );
          await disk.fill();
          const full = await tryOut(attempt('echo ran'));
          t.match(full, {
            kind: 'not_started',
            recorded: [],
            reason: /is not a folder that belongs to this user alone$/,
          });
          await disk.free();
        }
        await rm(it.place, { recursive: true, force: true });
        await chmod(it.root, 0o777);
        await disk.fill();
        t.match(
          await tryOut(attempt('echo ran')),
          { kind: 'not_started', recorded: [] },
          'a folder in which others can replace it is not used',
        );
        await chmod(it.root, 0o1777);
        await disk.free();
      });

      t.test('a home that its user may not write into is not a full one', async (t) => {
        await rm(join(home, '.rigel'), { recursive: true, force: true });
        await chown(home, 0, 0);
        const outcome = await tryOut(attempt('echo ran'));
        t.match(outcome, { kind: 'not_started', recorded: [], reason: /cannot be made: .*ermission denied/ });
        const owner = Number((await run('id', ['-u', node.sshd.user])).stdout);
        await chown(home, owner, owner);
      });

      /** A starter whose script pauses at a line until a file is there. */
      const pausedStarter = (spec: AttemptSpec, line: string, place?: AttemptPlace) => {
        const gate = join(it.root, `gate-${spec.key}`);
        const pause = `: > ${gate}-reached\nuntil [ -e ${gate} ]; do sleep 0.05; done\n`;
        const said: string[] = [];
        const session = shellOf(connection).starter();
        const prepared = startPreparation([])(session.nonce);
        const [before, after] = prepared.split(line);
        if (after === undefined) throw new Error(`the script does not have: ${line}`);
        const shares = { headBytes: 1000, tailBytes: 1000 };
        const folders = { others: [it.place], place };
        const command = attemptCommand(spec, shares, shell.path, folders);
        session.send(`${before}${pause}${line}${after}${command}`, {
          control: (text) => said.push(text),
          data: () => undefined,
        });
        const ended = session.ended.catch(() => undefined);
        return {
          said,
          reached: () =>
            until('the starter is at the line', async () =>
              (await readdir(it.root)).includes(`gate-${spec.key}-reached`),
            ),
          goOn: async () => {
            await writeFile(gate, '');
            await until('the starter has answered', () => said.length > 0);
            session.close();
            await ended;
          },
        };
      };

      t.test('a late starter at home, and one elsewhere', async (t) => {
        // The one at home has looked, and has not claimed; then the disk is full for the other.
        const spec = attempt('echo ran >> ran-race');
        const late = pausedStarter(spec, 'rg_put run ');
        await late.reached();
        const place = { folder: it.place, bootId };
        // As a starter does that is sent after the record. The journal at home is there: it backs off.
        const command = attemptCommand(spec, { headBytes: 10, tailBytes: 10 }, shell.path, {
          others: [it.place],
          place,
        });
        const session = shellOf(await node.connect()).starter();
        const said: string[] = [];
        session.send(startPreparation([])(session.nonce) + command, {
          control: (text) => said.push(text),
          data: () => undefined,
        });
        await until('the other has answered', () => said.length > 0);
        session.close();
        t.same(said, ['taken']);
        await late.goOn();
        t.same(late.said, ['taken'], 'it sees the journal of the other');
        t.equal(await node.homeFile('ran-race'), '', 'neither has run');
        const outcome = await tryOut(spec, { place });
        t.match(outcome, {
          kind: 'unknown',
          reason: /at home and in another folder of the node at the same moment/,
        });
        t.match(await tryOut(spec), { kind: 'unknown' });
      });

      t.test('a late starter at home that finds one that has run elsewhere', async (t) => {
        const spec = attempt(`echo ran >> ${it.root}/ran-late`);
        const late = pausedStarter(spec, 'if ! { rg_make_journal; }');
        await late.reached();
        await disk.takeInodes();
        const outcome = await tryOut(spec);
        t.match(outcome, { kind: 'exited', exitCode: 0, recorded: [{ folder: it.place }] });
        await disk.free();
        await late.goOn();
        t.same(late.said, ['taken']);
        t.equal(await readFile(join(it.root, 'ran-late'), 'utf8'), 'ran\n', 'once');
        t.match(await tryOut(spec, { place: outcome.recorded[0] }), { kind: 'exited', exitCode: 0 });
        t.match(await tryOut(spec), { kind: 'exited', exitCode: 0 });
      });
    });
  }

  t.test('in memory', async (t) => {
    const it = await fullNode(t);
    it.node.settings.attemptFolders = { folder: '/no/such/folder', memory: true };
    const connection = await it.node.connect();
    await it.disk.fill();
    const text = '#!/bin/sh\nrm filling; echo done';
    const spec: AttemptSpec = { key: randomUUID(), actions: [{ kind: 'script', text, name: 'tidy' }] };
    const recorded: AttemptPlace[] = [];
    const outcome = await runAttempt(connection, spec, {
      onOutput: () => undefined,
      beginElsewhere: async (place) => {
        recorded.push(place);
        return undefined;
      },
    });
    const folder = `/dev/shm/rigel-${it.node.sshd.user}`;
    for (const end of ['journal', 'output', 'action-0']) {
      const file = join(folder, `${spec.key}.${end}`);
      t.teardown(() => rm(file, { force: true }));
    }
    t.match(outcome, { kind: 'exited', exitCode: 0 });
    t.same(recorded, [{ folder, bootId }]);
    await it.disk.fill();
    for (const [attemptFolders, why] of [
      [{ memory: false }, /; the settings name no other folder \(attempts_folder, attempts_in_memory\)$/],
      [{ folder: '/no/such/folder', memory: false }, /; there is no folder \/no\/such\/folder$/],
    ] as const) {
      it.node.settings.attemptFolders = attemptFolders;
      const none = await runAttempt(await it.node.connect(), it.attempt('true'), {
        onOutput: () => undefined,
        beginElsewhere: async () => undefined,
      });
      t.match(none, { kind: 'not_started', reason: why });
    }
  });
}
