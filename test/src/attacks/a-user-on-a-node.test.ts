import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { connectToNode, runAttempt } from '@rigel/remote-attempt';
import { startSshd } from '@rigel/remote-attempt/testing';
import { Masker } from '@rigel/secrets';
import t from 'tap';

/*
 * The attacker is a user of a node, who runs what they like there beside Rigel's commands, and perhaps writes the programs that
 * these call. They want what a step was given as a secret, or have it shown where it does not belong: in the output that everybody reads.
 * They are not the user as whom Rigel logs in, nor root: those can read the memory of the command.
 */

const run = promisify(execFile);
const SECRET = 'Tr0ub4dor&3-pl4nted';

const sshd = await startSshd();
t.teardown(() => sshd.stop());
const connection = await connectToNode(
  { host: '127.0.0.1', port: sshd.port },
  {
    user: sshd.user,
    privateKey: sshd.privateKey,
    hostKeyPolicy: 'accept-new',
    connectTimeoutMs: 20_000,
    keepaliveIntervalMs: 10_000,
    keepaliveCountMax: 3,
  },
);
t.teardown(() => connection.close());

let attempts = 0;
/** Runs a command that has the secret, as the executor does; what leaves the executor of its output. */
async function output(text: string): Promise<string> {
  const masker = new Masker([SECRET]);
  const parts: Buffer[] = [];
  const masked = masker.output(0, (_, data) => parts.push(Buffer.from(data)));
  const key = `attack-${++attempts}`;
  const outcome = await runAttempt(
    connection,
    { key, actions: [{ kind: 'command', text, name: 'act', confidential: true }] },
    { onOutput: (chunk) => masked.push(chunk) },
  );
  masked.end();
  if (outcome.kind !== 'exited' || outcome.exitCode !== 0) throw new Error(JSON.stringify(outcome));
  return Buffer.concat(parts).toString('latin1');
}

/** Every part of four bytes of the secret. */
const PARTS = [...SECRET].flatMap((_, at) => (at + 4 <= SECRET.length ? [SECRET.slice(at, at + 4)] : []));

t.test('A program on a node cannot show a secret by printing it as the usual tools do', async (t) => {
  const commands = [
    'cat',
    'base64',
    'base64 -w 8 | sed "s/^/   /"',
    'od',
    'od -tx1',
    'od -An -tx1',
    'od -c',
    'od -An -tx1 | tr -d " \\n"',
    'fold -w 5',
  ];
  for (const command of commands) {
    const text = await output(
      `printf '%s\\n' 'a line of something else: ${SECRET} and more of it' | ${command}`,
    );
    const joined = text.replaceAll(/\s/g, '');
    const hex = joined.replaceAll(/[^0-9a-f*]/g, '*');
    const bytes = [0, 1].flatMap((from) =>
      Buffer.from(hex.slice(from).replaceAll('*', ''), 'hex').toString('latin1'),
    );
    for (const part of PARTS) {
      for (const reading of [text, joined, ...bytes]) {
        if (reading.includes(part)) t.fail(`${command} shows ${part}: ${text}`);
      }
    }
    t.match(text, /\*{19}/, command);
  }
});

t.test(
  'A user of a node cannot see a secret in the list of processes, or in their environment',
  async (t) => {
    let isRunning = true;
    const seen: string[] = [];
    const looking = (async () => {
      while (isRunning) {
        const { stdout } = await run('ps', ['axeww', '-o', 'args'], { maxBuffer: 64 * 1024 * 1024 });
        seen.push(...stdout.split('\n').filter((line) => line.includes(SECRET)));
      }
    })();
    for (let round = 0; round < 5; round++)
      t.match(await output(`x='${SECRET}'; sleep 0.2; printf '%s' "$x"`), /^\*+$/);
    isRunning = false;
    await looking;
    t.same(seen, []);
  },
);
