import t from 'tap';
import { actionOf } from './audited-events.js';

t.test('what somebody did has the name of the endpoint, what follows from it is left out', async (t) => {
  t.equal(actionOf('scheduler', 'TaskStopped'), 'task.stop');
  t.equal(actionOf('scheduler', 'RunSucceeded'), undefined);
  t.equal(actionOf('catalog', 'OfANewerService'), 'OfANewerService');
});
