import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';
import { findFreePort } from './free-port.js';

t.test('a port that was found is not found again, by nobody', async (t) => {
  const ports = await Promise.all(Array.from({ length: 50 }, () => findFreePort()));
  t.equal(new Set(ports).size, 50);
  // What another process looks at: the UDP ports of these numbers are taken.
  const script = `
    const { createSocket } = require('node:dgram');
    const taken = [];
    const look = ([port, ...rest]) => {
      if (port === undefined) return console.log(JSON.stringify(taken));
      const socket = createSocket('udp4');
      socket.once('error', ({ code }) => { taken.push([port, code]); look(rest); });
      socket.bind({ port, address: '127.0.0.1' }, () => socket.close(() => look(rest)));
    };
    look(${JSON.stringify(ports)});`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script]);
  t.same(
    JSON.parse(stdout),
    ports.map((port) => [port, 'EADDRINUSE']),
  );
});
