import { PassThrough } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import t from 'tap';
import { ConnectionLost } from './connection-lost.js';
import { ShellSession } from './shell-session.js';

/** The client's end of a session; the test plays the server. */
function openSession() {
  const channel = Object.assign(new PassThrough(), { stderr: new PassThrough(), close: () => undefined });
  const session = new ShellSession(
    {
      exec: (_, callback) => callback(undefined, channel as unknown as ClientChannel),
      lost: (detail) => new ConnectionLost(detail),
      refusal: (error) => error,
    },
    'sh',
    { proven: true, address: '10.0.0.7:22', limitMs: 30_000 },
    undefined,
  );
  const heard: string[] = [];
  session.send('', { control: (line) => heard.push(line), data: () => undefined });
  const say = (line: string): void => void channel.emit('data', Buffer.from(`\n${session.nonce} ${line}\n`));
  const end = (status: number): void => {
    channel.emit('exit', status);
    channel.emit('close');
  };
  return { session, heard, say, end };
}

t.test("a session passes on the shell's output and its end", async (t) => {
  const { session, heard, say, end } = openSession();
  await session.opened;
  say('found');
  end(3);
  t.match(await session.ended, { status: 3, signal: undefined });
  t.same(heard, ['found']);
});

t.test('once it is closed nothing more is heard', async (t) => {
  const { session, heard, say } = openSession();
  say('first');
  session.close();
  say('found');
  t.same(heard, ['first']);
});

t.test('the status of a shell whose session we closed is not taken for its word', async (t) => {
  const { session, end } = openSession();
  session.close();
  // Its input has ended: a shell then exits with 0, whatever was on its way to it.
  end(0);
  await t.rejects(session.ended, ConnectionLost);
});
