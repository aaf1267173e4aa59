import t from 'tap';
import { Places } from './places.js';

const says = { full: 'live streams are open', held: 'live streams open' };
const client = (name: string) => ({ key: name, name });

t.test('a client has a tenth, ten clients have all', async (t) => {
  const places = new Places(200, says);
  const own = Array.from({ length: 20 }, () => places.take(client('token eve')));
  t.throws(() => places.take(client('token eve')), {
    name: 'GatewayIsFull',
    message:
      'token eve has 20 live streams open, its share of the 200 of this gateway (RIGEL_HTTP_STREAMS): end some of them first',
  });
  for (let n = 20; n < 200; n++) places.take(client(`token ${Math.floor(n / 20)}`));
  t.throws(() => places.take(client('token ann')), {
    message: '200 live streams are open, more are not allowed',
  });
  own[0]?.();
  own[0]?.();
  t.equal(places.count, 199, 'given back once');
  places.take(client('token ann'));
});

t.test('a share is ten at least, where there are as many', async (t) => {
  const few = new Places(30, says);
  for (let n = 0; n < 10; n++) few.take(client('a'));
  t.throws(() => few.take(client('a')), /a has 10 live streams open/);
  const fewer = new Places(2, says);
  fewer.take(client('a'));
  fewer.take(client('a'));
  t.throws(() => fewer.take(client('a')), /2 live streams are open, more/);
  t.throws(() => new Places(0, says).take(client('a')), /0 live streams are open/);
});
