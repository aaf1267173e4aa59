// Calls the handler through Restate's HTTP ingress: told by its parent, over the IPC channel, how often and how many at
// once; answers when all calls are answered.
import { connect } from 'node:http2';

const STREAMS_PER_CONNECTION = 100;
const path = '/bench/threeSteps';

function call(session) {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': path });
    let status = 0;
    stream.on('response', (headers) => {
      status = headers[':status'];
    });
    stream.on('error', reject);
    stream.on('end', () => (status === 200 ? resolve() : reject(new Error(`${path}: status ${status}`))));
    stream.resume();
    stream.end();
  });
}

process.on('disconnect', () => process.exit(0));
process.on('message', async ({ count, atOnce }) => {
  const sessions = Array.from({ length: Math.ceil(atOnce / STREAMS_PER_CONNECTION) }, () =>
    connect(process.env.INGRESS_URL),
  );
  let left = count;
  const lane = async (_, index) => {
    while (left-- > 0) await call(sessions[index % sessions.length]);
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, lane));
    process.send({ done: count });
  } catch (error) {
    process.send({ error: String(error) });
  } finally {
    for (const session of sessions) session.close();
  }
});
process.send({ ready: true });
