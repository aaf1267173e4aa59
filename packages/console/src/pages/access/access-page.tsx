import type { ReactNode } from 'react';
import { Heading } from '../../app/heading.js';
import { useWho } from '../../app/role.js';
import { useWords } from '../../text/intl.js';
import { NeedsRole } from '../../ui/needs-role.js';
import { Tabs } from '../../ui/tabs.js';
import styles from './access-page.module.css';
import { SessionsTab } from './sessions-tab.js';
import { TokensTab } from './tokens-tab.js';
import { accessWords } from './words.js';

/** Who may use the API: its tokens, the browsers that are signed in, and what each role may do. */
export function AccessPage(): ReactNode {
  const text = useWords(accessWords);
  const common = useWords();
  const { access } = useWho();
  return (
    <div className={styles.page}>
      <Heading title={common('page.access')} />
      {access === 'off' && <p className={styles.off}>{text('off')}</p>}
      <Tabs
        label={common('page.access')}
        tabs={[
          {
            name: 'tokens',
            title: text('tokens'),
            content: () => (
              <NeedsRole needed="admin">
                <TokensTab />
              </NeedsRole>
            ),
          },
          {
            name: 'sessions',
            title: text('sessions'),
            content: () => (
              <NeedsRole needed="admin">
                <SessionsTab />
              </NeedsRole>
            ),
          },
          { name: 'roles', title: text('roles'), content: () => <Roles /> },
        ]}
      />
    </div>
  );
}

function Roles(): ReactNode {
  const text = useWords(accessWords);
  const common = useWords();
  return (
    <dl className={styles.roles}>
      {(['viewer', 'operator', 'admin'] as const).map((role) => [
        <dt key={role}>{common(`role.${role}`)}</dt>,
        <dd key={`${role} what`}>{text(`role.${role}.what`)}</dd>,
      ])}
    </dl>
  );
}
