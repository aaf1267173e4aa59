import type { ReactNode } from 'react';
import { wallTime } from './zones.js';

/** A moment in one zone, with the others in its title. `zone` undefined: the browser's. */
export function ZonedTime({ at, zone }: { at: string; zone: string | undefined }): ReactNode {
  const shown = wallTime(at, zone);
  const title = [zone, undefined, 'UTC']
    .map((name) => wallTime(at, name))
    .map(({ date, time, fraction, zone: name }) => `${date} ${time}${fraction} ${name}`);
  return (
    <time dateTime={at} title={[...new Set(title)].join('\n')}>
      {shown.date} {shown.time} {shown.zone}
    </time>
  );
}
