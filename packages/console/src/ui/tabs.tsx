import type { ReactNode } from 'react';
import { Tabs as AriaTabs, Tab, TabList, TabPanel } from 'react-aria-components';
import { usePageKeys } from '../app/keys.js';
import { useQueryParam } from '../app/query-param.js';
import styles from './tabs.module.css';

export interface TabEntry {
  /** The tab's name in the address. */
  name: string;
  title: ReactNode;
  content: () => ReactNode;
}

/** Tabs of a page; the chosen one stands in the address as `tab`, except for the first. The keys `[` and `]` go through them. */
export function Tabs({ label, tabs }: { label: string; tabs: readonly TabEntry[] }): ReactNode {
  const first = tabs[0]?.name ?? '';
  const [chosen, choose] = useQueryParam('tab', first, 'step');
  const selected = tabs.some(({ name }) => name === chosen) ? chosen : first;
  usePageKeys(({ key }) => {
    const by = { '[': -1, ']': 1 }[key];
    if (by === undefined) return;
    const at = tabs.findIndex(({ name }) => name === selected) + by;
    choose(tabs.at(at % tabs.length)?.name ?? first);
  });
  return (
    <AriaTabs
      className={styles.tabs ?? ''}
      selectedKey={selected}
      onSelectionChange={(key) => choose(String(key))}
      // Arrows only move the focus: each tab reads something from the API.
      keyboardActivation="manual"
    >
      <TabList aria-label={label} className={styles.list ?? ''}>
        {tabs.map(({ name, title }) => (
          <Tab key={name} id={name} className={styles.tab ?? ''}>
            {title}
          </Tab>
        ))}
      </TabList>
      {tabs.map(({ name, content }) => (
        <TabPanel key={name} id={name} className={styles.panel ?? ''}>
          {name === selected && content()}
        </TabPanel>
      ))}
    </AriaTabs>
  );
}
