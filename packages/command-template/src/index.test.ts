import t from 'tap';
import { x } from './index.js';
t.test('x', async (t) => { t.equal(x, 1); });
