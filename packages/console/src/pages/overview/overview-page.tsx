import { unwrap } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { api } from '../../api/api.js';
import { useLiveQuery } from '../../api/live-query.js';
import { Heading } from '../../app/heading.js';
import { useWords } from '../../text/intl.js';
import { Region } from '../../ui/region.js';
import type { Overview } from './answer.js';
import { FirstUse } from './first-use.js';
import { FleetAtAGlance } from './fleet.js';
import { NeedsYou } from './needs-you.js';
import { Day, Ledger, Next, Now } from './now.js';
import styles from './overview-page.module.css';
import { Section } from './section.js';
import { overviewWords } from './words.js';

/** What needs somebody, what is at work, what comes next, and how the fleet stands: one read, one topic. */
export function OverviewPage(): ReactNode {
  const common = useWords();
  const text = useWords(overviewWords);
  const query = useLiveQuery<Overview>({
    key: ['overview'],
    topic: 'overview',
    read: async () => unwrap(api.GET('/overview')),
  });
  return (
    <>
      <Heading title={common('page.overview')} />
      <Region what={text('what')} query={query}>
        {(overview) => (
          <div className={styles.overview}>
            <div className={styles.column}>
              {isUnused(overview) && <FirstUse overview={overview} />}
              <Part title={text('needs.title')} overview={overview} part="tasks">
                {(tasks) => <NeedsYou attention={tasks.attention} />}
              </Part>
              <Part title={text('fleet.title')} overview={overview} part="fleet">
                {(fleet) => <FleetAtAGlance fleet={fleet} />}
              </Part>
            </div>
            <div className={styles.column}>
              <Part title={text('now.title')} overview={overview} part="tasks">
                {(tasks) => <Now tasks={tasks} />}
              </Part>
              {overview.tasks && (
                <>
                  <Next tasks={overview.tasks} />
                  <Day tasks={overview.tasks} />
                  <Ledger tasks={overview.tasks} />
                </>
              )}
            </div>
          </div>
        )}
      </Region>
    </>
  );
}

/** There has never been a task; a part that is missing says nothing about it. */
const isUnused = ({ tasks, fleet, catalog }: Overview): boolean =>
  tasks !== null && fleet !== null && catalog !== null && !tasks.any;

interface PartProps<Name extends 'tasks' | 'fleet'> {
  title: string;
  overview: Overview;
  part: Name;
  children: (data: NonNullable<Overview[Name]>) => ReactNode;
}

/** A part of the overview. One whose service is away says so in its place; the others are there. */
function Part<Name extends 'tasks' | 'fleet'>({
  title,
  overview,
  part,
  children,
}: PartProps<Name>): ReactNode {
  const text = useWords(overviewWords);
  const data = overview[part];
  if (data !== null) return children(data as NonNullable<Overview[Name]>);
  const reason = overview.missing.find((one) => one.part === part)?.reason ?? '';
  return (
    <Section title={title}>
      <p className={styles.missing}>{text('missing.title', { reason })}</p>
    </Section>
  );
}
