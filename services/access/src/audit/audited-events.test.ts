import { ONE_OFF_TEMPLATE, PRIVATE_EVENTS, publishedTaskEvents } from '@rigel/contracts';
import t from 'tap';
import { actionOf } from './audited-events.js';

t.test('what somebody did has the name of the endpoint, what follows from it is left out', async (t) => {
  t.equal(actionOf('scheduler', 'TaskStopped'), 'task.stop');
  t.equal(actionOf('scheduler', 'TaskCreated', { template: { id: 3 } }), 'task.create');
  t.equal(actionOf('scheduler', 'TaskCreated', { template: ONE_OFF_TEMPLATE }), 'task.run');
  t.equal(actionOf('scheduler', 'TaskCreated', { template: ONE_OFF_TEMPLATE, againOf: 7 }), 'task.again');
  t.equal(actionOf('scheduler', 'RunSucceeded'), undefined);
  t.equal(actionOf('catalog', 'OfANewerService'), 'OfANewerService');
});

t.test(
  'what others follow is published: neither they nor the audit would notice that it is missing',
  async (t) => {
    for (const type of Object.keys(publishedTaskEvents))
      t.notOk(PRIVATE_EVENTS.scheduler.includes(type), type);
    for (const [owner, types] of Object.entries(PRIVATE_EVENTS))
      for (const type of types)
        t.equal(actionOf(owner as keyof typeof PRIVATE_EVENTS, type), undefined, type);
  },
);
