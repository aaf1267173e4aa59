// The process that Restate calls: a handler of three steps that do nothing, each recorded by the server before the next.
import './with-resolvers.mjs';
import { serve, service } from '@restatedev/restate-sdk';

const nothing = () => {};
const bench = service({
  name: 'bench',
  handlers: {
    threeSteps: async (context) => {
      for (const name of ['a', 'b', 'c']) await context.run(name, nothing);
    },
  },
});

process.on('disconnect', () => process.exit(0));
await serve({ services: [bench], port: Number(process.env.PORT) });
process.send({ ready: true });
