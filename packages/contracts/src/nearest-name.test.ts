import t from 'tap';
import { nearestName } from './nearest-name.js';

t.test('the nearest name', async (t) => {
  const known = ['max_num', 'max_ratio', 'name'];
  t.equal(nearestName('max', known), 'max_num');
  t.equal(nearestName('nmae', known), 'name');
  t.equal(nearestName('x', []), undefined);
});

t.test('a name of hundreds of megabytes is compared by its beginning', async (t) => {
  // Letter by letter this would take minutes, and more memory than there is.
  t.equal(nearestName(`max_rati${'x'.repeat(2 ** 28)}`, ['name', 'max_ratio']), 'max_ratio');
});
