import { ServiceError } from '@rigel/contracts';
import t from 'tap';
import { reason } from './answer/reason.js';
import {
  DocumentedFailure,
  exactFailure,
  type Failures,
  failure,
  failureFor,
  failureMessage,
  UnreadableRequest,
  WrongParameter,
} from './failures.js';

const otherwise = failure(400, 'refused...', []);
const missing = exactFailure(404, 'gone', []);
const idWrong = failure(404, 'bad id', []);

t.test('each situation has its failure, the others have one in common', async (t) => {
  const failures: Failures = { otherwise, not_found: missing, parameters: { id: idWrong } };
  t.equal(failureFor(failures, new ServiceError('not_found', 'x')), missing);
  t.equal(failureFor(failures, new ServiceError('not_found', 'x', 'id')), missing);
  t.equal(failureFor(failures, new ServiceError('not_found', 'x', 'cluster_id')), missing);
  for (const code of ['invalid', 'conflict', 'in_use', 'wrong_state', 'unavailable'] as const) {
    t.equal(failureFor(failures, new ServiceError(code, 'x')), otherwise, code);
  }
  t.equal(failureFor(failures, new WrongParameter('x', 'id')), idWrong);
  t.equal(failureFor(failures, new WrongParameter('x', 'name')), otherwise);
  t.equal(failureFor(failures, new UnreadableRequest('x')), otherwise);
  t.equal(failureFor(failures, new DocumentedFailure(idWrong, 'x', reason('invalid'))), idWrong);
});

t.test('a situation that an endpoint does not distinguish counts as the broader one', async (t) => {
  const invalid = failure(400, 'invalid', []);
  const reference = failure(400, 'reference', []);
  t.equal(failureFor({ otherwise, invalid }, new UnreadableRequest('x')), invalid);
  t.equal(failureFor({ otherwise, invalid }, new WrongParameter('x', 'a')), invalid);
  const found = failureFor(
    { otherwise, not_found: missing, reference },
    new ServiceError('not_found', 'x', 'a'),
  );
  t.equal(found, reference);
});

t.test('a fault of ours has no documented failure', async (t) => {
  t.equal(failureFor({ otherwise }, new ServiceError('internal', 'x')), undefined);
  t.equal(failureFor({ otherwise }, new TypeError('x')), undefined);
  t.equal(failureFor({ otherwise }, 'x'), undefined);
});

t.test('the message begins with the documented text', async (t) => {
  t.equal(failureMessage(otherwise, 1, 'name is missing'), 'refused...: name is missing');
  t.equal(failureMessage(otherwise, 1, ''), 'refused...');
  t.equal(failureMessage(missing, 1, 'cluster 1 is unknown'), 'gone');
  t.equal(
    failureMessage(failure(400, 'pause flow {id} fails:', {}), '$&', 'not running'),
    'pause flow $& fails: not running',
  );
  t.equal(failureMessage(failure(400, 'flow {id}', {}), undefined, ''), 'flow ?');
  t.equal(failureMessage(failure(400, '', {}), 1, 'not running'), 'not running');
});
