import t from 'tap';
import { cornerOf, layoutOf, moved, placeAtPoint } from './grid-layout.js';
import { type GridAnswer, GridModel, MARK } from './grid-model.js';

const none = { gate: [], retrying: [], draining: [] };
const whole: GridAnswer = {
  version: 5,
  cursor: '5',
  whole: {
    first_nsid: 101,
    ips: ['10.0.0.10', '10.0.0.9', 'web-2', '10.0.0.9:22', 'web-1', '9.9.9.9'],
    node_ids: [
      [7, 4],
      [20, 2],
    ],
    state: '232010',
    step: '210a10',
    attempts: '111010',
    batch: [
      [1, 4],
      [2, 2],
    ],
    changed: [12, 3, 44, 0, 7, 0],
  },
  marks: { ...none, gate: [3] },
};

t.test('columns become arrays', async (t) => {
  const model = new GridModel(whole);
  t.strictSame([...model.nodes], [7, 8, 9, 10, 20, 21]);
  t.strictSame([...model.batch], [1, 1, 1, 1, 2, 2]);
  t.strictSame([...model.step], [2, 1, 0, 10, 1, 0]);
  t.strictSame(model.counts, [2, 1, 2, 1, 0]);
  t.equal(model.marks[3], MARK.gate);
  t.equal(model.indexOfNode(20), 4);
  t.equal(model.indexOfNode(99), undefined);
  t.throws(() => new GridModel({ ...whole, whole: undefined } as never));
});

t.test('changes name what looks different, once, and may come twice', async (t) => {
  const model = new GridModel(whole);
  const answer: GridAnswer = {
    version: 7,
    cursor: '7',
    changes: [
      [3, 1, 10, 1],
      [4, 1, 1, 1],
      [0, 2, 2, 1],
      [99, 1, 1, 1],
    ],
    marks: { ...none, retrying: [4] },
  };
  t.strictSame(model.apply(answer, 50.7).sort(), [3, 4]);
  t.strictSame(model.apply(answer, 60), []);
  t.strictSame(model.counts, [1, 2, 2, 1, 0]);
  t.equal(model.marks[3], 0, 'its mark is gone');
  t.equal(model.marks[4], MARK.retrying);
  t.equal(model.changed[3], 50);
  t.equal(model.cursor, '7');
});

t.test('orders', async (t) => {
  const model = new GridModel(whole);
  t.strictSame([...model.ordered('batch')], [0, 1, 2, 3, 4, 5]);
  t.strictSame([...model.ordered('address')], [5, 1, 3, 0, 4, 2]);
  t.strictSame([...model.ordered('state')], [1, 4, 3, 5, 0, 2]);
  t.strictSame([...model.ordered('step')], [2, 5, 1, 4, 0, 3]);
  t.strictSame([...model.ordered('changed')], [2, 0, 4, 1, 3, 5]);
});

t.test('what is looked for is found around the end', async (t) => {
  const model = new GridModel(whole);
  const order = model.ordered('batch');
  t.equal(model.find('web', order, 0), 2);
  t.equal(model.find('web', order, 3), 4);
  t.equal(model.find('web', order, 5), 2);
  t.equal(model.find('10.1', order, 0), undefined);
  t.equal(
    model.search(order, 0, -1, (index) => model.isFailed(index)),
    1,
  );
});

t.test('a row for each batch, or full rows; keys and points lead to cells', async (t) => {
  const batches = layoutOf(24, 40 + 4 + 9 * 5, 8, [12, 12]);
  t.match(batches, { columns: 5, rows: 6, pitch: 9 });
  t.strictSame(batches.labels, [
    { row: 0, batch: 1 },
    { row: 3, batch: 2 },
  ]);
  t.strictSame([batches.rowOf(11), batches.columnOf(11)], [2, 1]);
  t.strictSame([batches.rowOf(12), batches.columnOf(12)], [3, 0]);
  t.equal(batches.placeAt(2, 2), undefined, 'the rest of the row of a batch is empty');
  t.equal(moved(batches, 4, 'ArrowDown', 24), 9);
  t.equal(moved(batches, 9, 'ArrowDown', 24), 11, 'as far to the right as the row goes');
  t.equal(moved(batches, 11, 'ArrowRight', 24), 12);
  t.equal(moved(batches, 0, 'ArrowUp', 24), 0);
  t.equal(moved(batches, 13, 'End', 24), 16);
  t.equal(moved(batches, 13, 'Home', 24), 12);
  t.equal(moved(batches, 23, 'ArrowRight', 24), 23);
  t.equal(moved(batches, 0, 'x', 24), undefined);
  for (const layout of [batches, layoutOf(24, 100, 4, undefined), layoutOf(24, 100, 16, [2, 2])]) {
    for (let place = 0; place < 24; place++) {
      const { x, y } = cornerOf(layout, place);
      t.equal(placeAtPoint(layout, x + 1, y + 1), place);
    }
  }
  t.equal(layoutOf(24, 100, 16, Array(12).fill(2)).labels.length, 0, 'short batches share rows');
});
