import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import t from 'tap';
import { connectToNats } from './connection.js';

t.test('a server that accepts and says nothing is told of, and waiting for it can be ended', async (t) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const stopping = new AbortController();
  const address = server.address() as { port: number };
  const connecting = connectToNats({
    url: `nats://127.0.0.1:${address.port}`,
    name: 'test',
    log,
    signal: stopping.signal,
  });
  for (let n = 0; lines.length === 0 && n < 200; n++) await sleep(50);
  t.match(JSON.parse(lines[0] ?? '{}'), { msg: 'waiting for NATS', reason: /no answer/ });
  stopping.abort(new Error('stopped'));
  for (const socket of sockets) socket.destroy();
  await t.rejects(connecting, { message: /stopped|aborted/ });
});
