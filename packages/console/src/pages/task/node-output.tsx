import { unwrap } from '@rigel/api-client';
import { type ReactNode, useState } from 'react';
import { api } from '../../api/api.js';
import { useLiveQuery } from '../../api/live-query.js';
import { apiRoot } from '../../app/place.js';
import { useIntl, useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { Region } from '../../ui/region.js';
import { lastLines, readableOutput } from './output-text.js';
import styles from './task.module.css';
import { taskWords } from './words.js';

/** What the commands of a node run printed, step by step. It is read when somebody asks for it: it may be long. */
export function NodeOutput({ nsid, isRunning }: { nsid: number; isRunning: boolean }): ReactNode {
  const text = useWords(taskWords);
  const [isOpen, setOpen] = useState(false);
  const query = useLiveQuery({
    key: ['run', nsid, 'output'],
    read: () =>
      unwrap(api.POST('/task/node/{nsid}/log', { params: { path: { nsid } } })) as Promise<
        Record<string, string>[]
      >,
    enabled: isOpen,
    pollMs: isRunning ? 2_000 : 60_000,
  });
  if (!isOpen) return <Button onPress={() => setOpen(true)}>{text('output.read')}</Button>;
  return (
    <Region what={text('output.title')} query={query}>
      {(steps) => (
        <>
          {steps.flatMap((step, index) =>
            Object.entries(step).map(([name, output]) => (
              // A template may have a step twice, and their order stays.
              // biome-ignore lint/suspicious/noArrayIndexKey: see above.
              <StepOutput key={`${index} ${name}`} name={name} output={output} />
            )),
          )}
          <a href={new URL(`task/node/${nsid}/log`, apiRoot).href}>{text('output.all')}</a>
        </>
      )}
    </Region>
  );
}

function StepOutput({ name, output }: { name: string; output: string }): ReactNode {
  const text = useWords(taskWords);
  const { formatNumber } = useIntl();
  const { shown, lines } = lastLines(output);
  const count = shown === '' ? 0 : shown.split('\n').length;
  return (
    <section className={styles.output} aria-label={text('output.of', { step: name })}>
      <h3>{name}</h3>
      {output === '' ? (
        <p className={styles.quiet}>{text('output.none')}</p>
      ) : (
        <>
          {count < lines && (
            <p className={styles.quiet}>
              {text('output.last', { shown: formatNumber(count), lines: formatNumber(lines) })}
            </p>
          )}
          {/* Reached by the keyboard, because it scrolls. */}
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must take the focus. */}
          <pre tabIndex={0}>{readableOutput(shown)}</pre>
        </>
      )}
    </section>
  );
}
