import type { TaskInfo } from '@rigel/api-client';
import t from 'tap';
import { widthOf } from '../output/screen.js';
import { screenLines, type Watched } from './watch.js';

// biome-ignore lint/suspicious/noControlCharactersInRegex: sequences of a terminal are what this is about
const SEQUENCE = /\u001b\[[\d;]*m/g;

function watched(nodes: number, name = 'deploy shop:8'): Watched {
  const batches = Math.ceil(nodes / 50);
  const failures = ['exit status 1', 'unreachable: connect timed out'].map((reason) => ({
    step: 'start_service',
    step_num: 2,
    reason,
    example: reason,
    count: 10,
    nodes: [{ id: 1, node_id: 1, ip: '10.0.0.1' }],
    first_at: '',
    last_at: '',
  }));
  const task = {
    id: 42,
    task_name: name,
    state: 1,
    end_reason: '',
    pool_name: 'shop',
    batch: 2,
    batches,
    nodes,
    failed: 20,
    duration_ms: 60_000,
    stat: [0, nodes, 0, 0, 0],
  } as unknown as TaskInfo;
  return {
    task,
    states: new Uint8Array(nodes).fill(1),
    batches: Array.from({ length: batches }, (_, at) => [at + 1, Math.min(50, nodes - at * 50)]),
    failures,
    trouble: '',
  };
}

t.test('no frame is larger than its terminal, whatever it shows', async (t) => {
  for (const nodes of [1, 50, 1_000, 10_000])
    for (const columns of [20, 80, 200])
      for (const rows of [3, 5, 10, 24, 60])
        for (const view of ['a', 'g', 'b', 'f'] as const)
          for (const letters of [true, false])
            for (const language of ['en', 'zh'] as const) {
              const style = { letters, colour: true };
              const lines = screenLines(
                watched(nodes, '部署 shop:8 \u001b[2J'),
                { columns, rows },
                { view, style, ascii: false, language },
              ).map((line) => line.replace(SEQUENCE, ''));
              const widest = Math.max(...lines.map(widthOf));
              const isRight = lines.length <= rows && widest <= columns && !lines.join('').includes('\u001b');
              if (!isRight)
                t.fail(
                  `${nodes} ${view} ${language} on ${columns} × ${rows}: ${lines.length} lines, ${widest} wide`,
                );
            }
  t.pass('all fit');
});

t.test('a view shows one thing alone', async (t) => {
  const shown = (view: 'a' | 'g' | 'b' | 'f'): string =>
    screenLines(
      watched(1_000),
      { columns: 80, rows: 24 },
      { view, style: { letters: true, colour: false }, ascii: true, language: 'en' },
    ).join('\n');
  t.match(shown('a'), /oooo.*> batch 2: 50 running.*10 {2}start_service {2}exit status 1/s);
  t.notMatch(shown('g'), 'batch 2:');
  t.notMatch(shown('b'), 'oooo');
  t.match(shown('f'), /unreachable: connect timed out {2}10\.0\.0\.1 …/);
});
