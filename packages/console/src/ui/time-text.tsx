import type { ReactNode } from 'react';
import { useSettings } from '../app/settings.js';
import { useIntl } from '../text/intl.js';
import { partsOf } from '../text/time.js';

/** A moment with its zone; all zones and milliseconds stand in its title. */
export function TimeText({ at, withDate = true }: { at: string | Date; withDate?: boolean }): ReactNode {
  const { zone } = useSettings();
  const { locale } = useIntl();
  const date = at instanceof Date ? at : new Date(at);
  if (Number.isNaN(date.getTime())) return null;
  const shown = partsOf(date, locale, zone === 'utc' ? 'UTC' : undefined);
  const title = [undefined, 'UTC']
    .map((name) => partsOf(date, locale, name))
    .map((parts) => `${parts.date} ${parts.time}${parts.fraction} ${parts.zone}`)
    .join('\n');
  return (
    <time dateTime={date.toISOString()} title={title}>
      {withDate ? `${shown.date} ` : ''}
      {shown.time} {shown.zone}
    </time>
  );
}
