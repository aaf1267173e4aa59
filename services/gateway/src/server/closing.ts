import fp from 'fastify-plugin';
import type { LiveStreams } from '../live/live-streams.js';
import type { TaskEnds } from '../live/task-ends.js';

interface ClosingOptions {
  live: LiveStreams;
  taskEnds: TaskEnds;
}

/**
 * Plugin: each answer has its correlation id and the gateway's time (milliseconds since 1970). When the process ends, it also ends the live streams and the
 * requests that wait, and has clients close their connections.
 */
export const closing = fp<ClosingOptions>(
  (app, { live, taskEnds }, loaded) => {
    let isClosing = false;
    app.addHook('preClose', async () => {
      isClosing = true;
      live.close();
      taskEnds.close();
    });
    // Hooks that wait for nothing are not async functions: an async hook costs every request one more turn of the event
    // loop.
    app.addHook('onSend', (request, reply, _payload, done) => {
      reply.header('X-Correlation-Id', request.id);
      // A client computes the age of what it shows by this clock, whatever its own says.
      reply.header('X-Rigel-Time', Date.now());
      // The end of the process would wait for this connection, however long its client keeps it.
      if (isClosing) reply.header('Connection', 'close');
      done();
    });
    loaded();
  },
  { name: 'closing' },
);
