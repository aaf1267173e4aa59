import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import t from 'tap';
import { type ConnectionSettings, connectToNode } from './connect.js';
import { generateSshKey } from './ssh-key.js';
import { sshString } from './ssh-wire.js';
import { type Sshd, type SshdOptions, startSshd } from './testing/sshd.js';

type Tap = { teardown: (fn: () => Promise<unknown> | unknown) => void };

async function serve(t: Tap, options: SshdOptions): Promise<Sshd> {
  const sshd = await startSshd(options);
  t.teardown(() => sshd.stop());
  return sshd;
}

/** A server that is none of OpenSSH's. */
async function listen(t: Tap, onConnection: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}

async function connect(port: number, more: Partial<ConnectionSettings> = {}): Promise<void> {
  const connection = await connectToNode(
    { host: '127.0.0.1', port },
    {
      user: 'somebody',
      privateKey: generateSshKey().private,
      hostKeyPolicy: 'accept-new',
      connectTimeoutMs: 20_000,
      keepaliveIntervalMs: 10_000,
      keepaliveCountMax: 3,
      ...more,
    },
  );
  connection.close();
}

/** Has the one connection that a server with MaxStartups 1 admits, and does not log in. */
async function takeOnlyPlace(t: Tap, sshd: Sshd): Promise<void> {
  for (;;) {
    const guest = connectSocket(sshd.port, '127.0.0.1');
    guest.on('error', () => undefined);
    const greeting = await new Promise<string>((resolve) => {
      guest.once('data', (data) => resolve(data.toString()));
      guest.once('close', () => resolve(''));
    });
    t.teardown(() => guest.destroy());
    // It greets whom it has let in. Somebody else may still be on the way out.
    if (greeting.startsWith('SSH-')) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const asItsUser = ({ user, privateKey }: Sshd) => ({ user, privateKey });
const failure = (kind: string, message: string | RegExp) => ({ name: 'ConnectFailure', kind, message });

t.test('a server that is full says so', async (t) => {
  const sshd = await serve(t, { extraConfig: 'MaxStartups 1' });
  const address = `127.0.0.1:${sshd.port}`;
  await takeOnlyPlace(t, sshd);
  const words = 'Exceeded MaxStartups';
  await t.rejects(
    connect(sshd.port, asItsUser(sshd)),
    failure('turned_away', new RegExp(`^${address}: the .*(closed|reset).*: ${words}$`)),
  );
});

t.test('a machine that is still booting says so', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rigel-nologin-'));
  // PAM turns capitals into small letters.
  const program = join(folder, basename(folder).toLowerCase());
  const service = join('/etc/pam.d', basename(program));
  t.teardown(() => Promise.all([rm(folder, { recursive: true }), rm(service, { force: true })]));
  await symlink('/usr/sbin/sshd', program);
  await writeFile(join(folder, 'nologin'), 'System is booting up.\nSee pam_nologin(8).\n');
  // As on Debian, but for a server and a file of its own.
  const rules = [
    `account required pam_nologin.so file=${join(folder, 'nologin')}`,
    'account required pam_permit.so',
    'session required pam_permit.so',
  ];
  await writeFile(service, `${rules.join('\n')}\n`);
  const sshd = await serve(t, { program, extraConfig: 'UsePAM yes' });
  await t.rejects(
    connect(sshd.port, asItsUser(sshd)),
    failure(
      'turned_away',
      `127.0.0.1:${sshd.port}: the server closed the connection while user ${sshd.user} was logging in: ` +
        'System is booting up. See pam_nologin(8).',
    ),
  );
  await rm(join(folder, 'nologin'));
  await connect(sshd.port, asItsUser(sshd));
});

t.test('a server that wants more than a key, or none', async (t) => {
  for (const [methods, message] of [
    [
      'publickey,password',
      /accepted the SSH key for user .* and wants more than that: password; for this user/,
    ],
    ['publickey,keyboard-interactive', /accepted the SSH key for .* more than that: keyboard-interactive;/],
    ['publickey,publickey', /accepted the SSH key for user .* and wants more than that: publickey;/],
    ['password', /^127\.0\.0\.1:\d+ takes no SSH key for user .*, only password$/],
  ] as const) {
    const sshd = await serve(t, {
      extraConfig: [
        `AuthenticationMethods ${methods}`,
        'PasswordAuthentication yes',
        'KbdInteractiveAuthentication yes',
      ].join('\n'),
    });
    await t.rejects(connect(sshd.port, asItsUser(sshd)), failure('refused_key', message), methods);
  }
});

t.test('the text of a server with its refusal', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rigel-banner-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const banner = join(folder, 'banner');
  await writeFile(banner, `Ask "ops" for access.\u001b[31m\n\u202e${'x'.repeat(5_000)}\n`);
  const sshd = await serve(t, { extraConfig: `Banner ${banner}` });
  await t.rejects(
    connect(sshd.port, { user: sshd.user }),
    failure(
      'refused_key',
      new RegExp(
        `^127\\.0\\.0\\.1:\\d+ refused the SSH key for user ${sshd.user}: Ask 'ops' for access\\.[ -~]{100,300}…$`,
      ),
    ),
  );
  const strict = await serve(t, { extraConfig: 'MaxAuthTries 1' });
  await t.rejects(
    connect(strict.port, { user: strict.user }),
    failure('refused_key', /refused the SSH key for user .*: Too many authentication failures$/),
  );
});

/** A disconnect as it travels before there are keys. */
function disconnect(reason: number, description: string): Buffer {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(reason);
  const payload = Buffer.concat([Buffer.from([1]), number, sshString(description), sshString('')]);
  const padding = Buffer.alloc(8 - ((payload.length + 5) % 8) + 8);
  const length = Buffer.alloc(5);
  length.writeUInt32BE(1 + payload.length + padding.length);
  length[4] = padding.length;
  return Buffer.concat([length, payload, padding]);
}

t.test('the last words of other servers', async (t) => {
  const said = (words: string | Buffer) => (socket: Socket) => {
    socket.end(words);
  };
  const ident = Buffer.from('SSH-2.0-other\r\n');
  for (const [onConnection, kind, message] of [
    [
      said('Not allowed at this time\r\n'),
      'turned_away',
      /before the SSH handshake: Not allowed at this time$/,
    ],
    [said(''), 'turned_away', /: the server closed the connection before the SSH handshake$/],
    [said('Wait a bit.\r\nSSH-2.0-other\r\n'), 'turned_away', /during the SSH handshake: Wait a bit\.$/],
    [said(Buffer.concat([ident, disconnect(12, 'Too many users')])), 'turned_away', /: Too many users$/],
    [
      said(Buffer.concat([ident, disconnect(11, 'Closed due to load')])),
      'turned_away',
      /: Closed due to load$/,
    ],
    [said(Buffer.concat([ident, disconnect(2, 'What is this?')])), 'protocol', /: What is this\?$/],
    [
      said('HTTP/1.1 400 Bad Request\r\n\r\n'),
      'protocol',
      /it is no SSH server: HTTP\/1\.1 400 Bad Request$/,
    ],
    [(socket: Socket) => socket.resetAndDestroy(), 'turned_away', /: the connection was reset$/],
  ] as const) {
    const port = await listen(t, (socket) => {
      // What we send is read, so that what was said arrives before the end.
      socket.once('data', () => onConnection(socket));
    });
    await t.rejects(connect(port), failure(kind, message), String(message));
  }
});
