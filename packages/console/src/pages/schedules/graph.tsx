import type { ScheduleStanding } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { useWords } from '../../text/intl.js';
import styles from './schedules.module.css';
import { scheduleWords } from './words.js';

const BOX = { width: 132, height: 40 };
const GAP = { x: 56, y: 14 };

type Pool = ScheduleStanding['example'][number];

/** In which column each pool stands: the task's own pool first, a pool after all that depend on it. */
function columnsOf(pools: readonly Pool[]): Map<number, number> {
  const columns = new Map<number, number>();
  // The API lists each pool after those that it depends on, so the other way round each comes after those that need it.
  for (const pool of [...pools].reverse()) {
    const own = columns.get(pool.pool_id) ?? 0;
    columns.set(pool.pool_id, own);
    for (const { pool_id, ignore } of pool.depends_on) {
      if (!ignore) columns.set(pool_id, Math.max(columns.get(pool_id) ?? 0, own + 1));
    }
  }
  return columns;
}

const nameOf = ({ pool_id, pool_name }: { pool_id: number; pool_name: string }): string =>
  pool_name || `#${pool_id}`;
const short = (name: string): string => (name.length > 18 ? `${name.slice(0, 17)}…` : name);

/** The pools that follow a scheduled task's own, as a drawing with numbers for an example, and as a table. */
export function DependencyGraph({ schedule }: { schedule: ScheduleStanding }): ReactNode {
  const text = useWords(scheduleWords);
  const pools = schedule.example;
  const root = pools.at(-1);
  if (pools.length < 2 || !root) return null;
  const columns = columnsOf(pools);
  const rows = new Map<number, number>();
  const places = new Map(
    [...pools].reverse().map((pool) => {
      const column = columns.get(pool.pool_id) ?? 0;
      const row = rows.get(column) ?? 0;
      rows.set(column, row + 1);
      return [pool.pool_id, { x: column * (BOX.width + GAP.x), y: row * (BOX.height + GAP.y) }] as const;
    }),
  );
  const width = Math.max(...[...places.values()].map(({ x }) => x)) + BOX.width;
  const height = Math.max(...[...places.values()].map(({ y }) => y)) + BOX.height;
  const nodes = text('nodes', { count: root.nodes });
  return (
    <section>
      <h3>{text('graph')}</h3>
      <p className={styles.quiet}>{text('graph.example', { nodes })}</p>
      <svg
        role="img"
        aria-label={text('graph.label', { pool: nameOf(root), nodes })}
        viewBox={`-1 -1 ${width + 2} ${height + 2}`}
        className={styles.graph}
        style={{ maxInlineSize: `${width + 2}px` }}
      >
        {pools.flatMap((pool) =>
          pool.depends_on
            .filter(({ ignore }) => !ignore)
            .map(({ pool_id }) => {
              const from = places.get(pool.pool_id);
              const to = places.get(pool_id);
              if (!from || !to) return null;
              const [x1, y1] = [from.x + BOX.width, from.y + BOX.height / 2];
              const [x2, y2] = [to.x, to.y + BOX.height / 2];
              const middle = (x1 + x2) / 2;
              return (
                <path
                  key={`${pool.pool_id} ${pool_id}`}
                  className={styles.edge}
                  d={`M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2 - 5} ${y2}m-5 -4l5 4l-5 4`}
                />
              );
            }),
        )}
        {pools.map((pool) => {
          const { x, y } = places.get(pool.pool_id) ?? { x: 0, y: 0 };
          return (
            <g key={pool.pool_id} transform={`translate(${x} ${y})`}>
              <rect className={styles.box} width={BOX.width} height={BOX.height} rx="4" />
              <text x="10" y="16" className={styles.boxName}>
                {short(nameOf(pool))}
              </text>
              <text x="10" y="32" className={styles.boxNodes}>
                {text('nodes', { count: pool.nodes })}
              </text>
            </g>
          );
        })}
      </svg>
      <table className={styles.plain}>
        <thead>
          <tr>
            <th scope="col">{text('graph.pool')}</th>
            <th scope="col" className={styles.number}>
              {text('graph.nodes')}
            </th>
            <th scope="col">{text('graph.rule')}</th>
          </tr>
        </thead>
        <tbody>
          {[...pools].reverse().map((pool) => (
            <tr key={pool.pool_id}>
              <th scope="row">{nameOf(pool)}</th>
              <td className={styles.number}>{pool.nodes}</td>
              <td>
                {pool.depends_on.map((item) => (
                  <div key={item.pool_id}>
                    {nameOf(item)} = × {item.ratio} + {item.elastic_count},{' '}
                    {item.ignore ? text('item.ignored') : text('graph.waits', { step: item.step_name })}
                  </div>
                ))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
