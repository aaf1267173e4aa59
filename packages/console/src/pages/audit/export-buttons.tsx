import { type ReactNode, useEffect, useRef, useState } from 'react';
import { saveFile } from '../../text/csv.js';
import { useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { reasonOf } from '../../ui/region.js';
import styles from './audit-page.module.css';
import { MOST_EXPORTED, readLines } from './export.js';
import type { AuditFilter } from './filter.js';
import { type Form, linesAs } from './lines-as.js';
import { auditWords } from './words.js';

/** Saves what the filters choose as a file. Leaving the page ends the reading. */
export function ExportButtons({ filter }: { filter: AuditFilter }): ReactNode {
  const text = useWords(auditWords);
  const [running, setRunning] = useState<Form>();
  const [said, setSaid] = useState('');
  const reading = useRef<AbortController>(undefined);
  useEffect(() => () => reading.current?.abort(), []);
  const save = async (form: Form): Promise<void> => {
    const controller = new AbortController();
    reading.current = controller;
    setRunning(form);
    setSaid('');
    try {
      const lines = await readLines(filter, controller.signal);
      saveFile(`audit.${form}`, linesAs(form, lines), form === 'csv' ? 'text/csv' : 'application/jsonl');
      setSaid(text(lines.length < MOST_EXPORTED ? 'exported' : 'exportedMost', { count: lines.length }));
    } catch (error) {
      if (!controller.signal.aborted) setSaid(reasonOf(error as Error));
    } finally {
      setRunning(undefined);
    }
  };
  return (
    <span className={styles.exports}>
      <span role="status">{said}</span>
      {(['csv', 'jsonl'] as const).map((form) => (
        <Button key={form} isPending={running === form} onPress={() => void save(form)}>
          {text(`export.${form}`)}
        </Button>
      ))}
    </span>
  );
}
