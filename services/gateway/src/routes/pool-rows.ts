import { Pool, type PoolTasks } from '@rigel/contracts';
import { Type } from 'typebox';
import { exampleStamp, stampRow, withStampRow } from './stamps.js';

/** A pool in the form of the API: clients read all three templates of every pool, 0 where none is set. */
export const PoolRow = Type.Object({
  ...Pool.properties,
  ...stampRow,
  protected: Type.Optional(
    Type.Boolean({
      description: 'Shrink, deploy, removal of nodes and stop must come with the name of the pool: confirm.',
    }),
  ),
  tasks: Type.Object(
    { expand: Type.Integer(), shrink: Type.Integer(), deploy: Type.Integer() },
    { description: 'Ids of the templates that change the pool; 0 = none.' },
  ),
});

const NONE: Required<PoolTasks> = { expand: 0, shrink: 0, deploy: 0 };

export function toPoolRow<P extends Pool>(pool: P) {
  return { ...withStampRow(pool), tasks: { ...NONE, ...pool.tasks } };
}

export const examplePool = {
  id: 1,
  name: 'shop-a',
  desc: 'first room',
  vm_type: 1,
  sd_id: 1,
  service_id: 1,
  tasks: { expand: 0, shrink: 0, deploy: 3 },
  node_count: 2,
  protected: false,
  labels: { zone: 'a' },
  ...exampleStamp,
};
