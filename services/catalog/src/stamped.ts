import { type Stamped, withStamp } from '@rigel/event-store';

/** A page of rows that were read with their stamps. */
export function stamped<Row extends Stamped<object>>({ rows, total }: { rows: Row[]; total: number }) {
  return { rows: rows.map(withStamp), total };
}
