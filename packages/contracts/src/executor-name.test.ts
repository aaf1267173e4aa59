import t from 'tap';
import { hasKey, newExecutor, speaksFor } from './executor-name.js';

t.test('only the key of an executor speaks for its name', async (t) => {
  const [one, other] = [newExecutor('executor-1'), newExecutor('executor-1')];
  t.match(one.name, /^executor-1-[a-z2-7]{26}$/);
  t.not(one.name, other.name, 'a name is given once');
  t.ok(hasKey(one.name));
  t.ok(speaksFor(one.name, one.key));
  for (const key of [undefined, '', other.key, one.key.slice(1), one.name.slice(-26)])
    t.notOk(speaksFor(one.name, key), `not ${key}`);
  t.notOk(one.name.includes(one.key));
});

t.test('an executor of the release before has no key, so anybody speaks for it', async (t) => {
  for (const name of ['executor-1-0a1b2c', 'executor', 'a-very-long-host-name-of-a-machine-4f5e6d']) {
    t.notOk(hasKey(name));
    t.ok(speaksFor(name, undefined));
  }
});

t.test('a name can stand in a subject of NATS, whatever the process is called', async (t) => {
  const { name, key } = newExecutor('host.example > *\r\nPUB x 0 é');
  t.match(name, /^[A-Za-z0-9_-]+$/);
  t.ok(speaksFor(name, key));
  t.ok(newExecutor('x'.repeat(500)).name.length <= 200);
});

t.test('the same key makes the same name, in whatever process', async (t) => {
  const key = 'AAAAAAAAAAAAAAAAAAAAAA';
  t.equal(newExecutor('e', key).name, 'e-fibgjzk6b7puly4rcu3bvvtkio');
});
