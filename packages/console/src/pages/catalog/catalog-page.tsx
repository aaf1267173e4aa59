import { unwrap } from '@rigel/api-client';
import { type ReactNode, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { api } from '../../api/api.js';
import { useLiveQuery } from '../../api/live-query.js';
import { to } from '../../app/addresses.js';
import { Heading } from '../../app/heading.js';
import { useQueryParam } from '../../app/query-param.js';
import { useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { TextInput } from '../../ui/field.js';
import { Region } from '../../ui/region.js';
import { type Column, VirtualTable } from '../../ui/table.js';
import { Tabs } from '../../ui/tabs.js';
import { TimeText } from '../../ui/time-text.js';
import styles from './catalog.module.css';
import { CreateDialog } from './create-dialog.js';
import type { Versioned } from './draft.js';
import { StepDialog } from './step-dialog.js';
import { catalogWords } from './words.js';

/** Rows that one request reads; a catalog that people made by hand has fewer. */
const ALL = { page: 1, page_size: 1_000 };

/** What tasks can run: actions, the steps made of them, and the templates made of steps. */
export function CatalogPage(): ReactNode {
  const common = useWords();
  const text = useWords(catalogWords);
  return (
    <>
      <Heading title={common('page.catalog')} />
      <Tabs
        label={text('kinds')}
        tabs={[
          { name: 'templates', title: text('templates'), content: () => <Templates /> },
          { name: 'steps', title: text('steps'), content: () => <Steps /> },
          { name: 'actions', title: text('actions'), content: () => <Actions /> },
        ]}
      />
    </>
  );
}

interface Listed extends Versioned {
  id: number;
  name: string;
  desc: string;
}

function Templates(): ReactNode {
  const text = useWords(catalogWords);
  const [, navigate] = useLocation();
  const [isMaking, setMaking] = useState(false);
  return (
    <>
      <Things
        label={text('templates')}
        kind="task_tpl"
        read={(name) => unwrap(api.GET('/task_tpl/list', { params: { query: { ...ALL, name } } }))}
        column={{
          name: 'runs',
          title: text('steps'),
          width: 'minmax(120px, 3fr)',
          cell: ({ steps }) => steps.map((step) => step.name).join(' → '),
        }}
        addressOf={({ id }) => to.template(id)}
        make={{ words: text('newTemplate'), onPress: () => setMaking(true) }}
      />
      <CreateDialog
        title={text('createTemplate')}
        isOpen={isMaking}
        onClose={() => setMaking(false)}
        create={(named, key) =>
          unwrap(api.POST('/task_tpl/create', { body: { ...named, steps: [] }, ...key }))
        }
        onCreated={(id) => navigate(to.template(id))}
      />
    </>
  );
}

function Steps(): ReactNode {
  const text = useWords(catalogWords);
  const [chosen, choose] = useQueryParam('step');
  const [isMaking, setMaking] = useState(false);
  const id = Number(chosen);
  return (
    <>
      <Things
        label={text('steps')}
        kind="remote_step"
        read={(name) => unwrap(api.GET('/remote_step/list', { params: { query: { ...ALL, name } } }))}
        column={{
          name: 'runs',
          title: text('runs'),
          width: 'minmax(120px, 3fr)',
          cell: ({ actions }) => actions.join(' → '),
        }}
        addressOf={(step) => to.catalog({ tab: 'steps', step: step.id })}
        make={{ words: text('newStep'), onPress: () => setMaking(true) }}
      />
      {Number.isSafeInteger(id) && id > 0 && <StepDialog id={id} onClose={() => choose('')} />}
      <CreateDialog
        title={text('createStep')}
        isOpen={isMaking}
        onClose={() => setMaking(false)}
        create={(named, key) =>
          unwrap(api.POST('/remote_step/create', { body: { ...named, actions: [] }, ...key }))
        }
        onCreated={(made) => choose(String(made))}
      />
    </>
  );
}

function Actions(): ReactNode {
  const text = useWords(catalogWords);
  const [, navigate] = useLocation();
  const [isMaking, setMaking] = useState(false);
  return (
    <>
      <Things
        label={text('actions')}
        kind="action"
        read={(name) => unwrap(api.GET('/action/list', { params: { query: { ...ALL, name } } }))}
        column={{
          name: 'params',
          title: text('params'),
          width: 'minmax(120px, 3fr)',
          cell: ({ params }) => Object.keys(params).join(', '),
        }}
        addressOf={({ id }) => to.action(id)}
        make={{ words: text('newAction'), onPress: () => setMaking(true) }}
      />
      <CreateDialog
        title={text('createAction')}
        isOpen={isMaking}
        onClose={() => setMaking(false)}
        create={(named, key) =>
          unwrap(api.POST('/action/create', { body: { ...named, params: {} }, ...key }))
        }
        onCreated={(id) => navigate(to.action(id))}
      />
    </>
  );
}

interface ThingsProps<Thing extends Listed> {
  label: string;
  kind: string;
  read: (name: string) => Promise<Thing[]>;
  column: Column<Thing>;
  addressOf: (thing: Thing) => string;
  make: { words: string; onPress: () => void };
}

/** One kind of things, by name. */
function Things<Thing extends Listed>({
  label,
  kind,
  read,
  column,
  addressOf,
  make,
}: ThingsProps<Thing>): ReactNode {
  const text = useWords(catalogWords);
  const [, navigate] = useLocation();
  const [search, setSearch] = useQueryParam('q');
  const query = useLiveQuery({ key: ['catalog', kind, search], read: () => read(search) });
  const columns: Column<Thing>[] = [
    {
      name: 'name',
      title: text('name'),
      width: 'minmax(140px, 2fr)',
      narrow: 'first',
      cell: (row) => <Link href={addressOf(row)}>{row.name}</Link>,
    },
    column,
    {
      name: 'desc',
      title: text('desc'),
      width: 'minmax(100px, 2fr)',
      narrow: 'hidden',
      cell: ({ desc }) => desc,
    },
    {
      name: 'changed',
      title: text('changed'),
      width: '280px',
      narrow: 'hidden',
      cell: ({ updated_at, updated_by }) =>
        updated_at !== undefined && (
          <>
            <TimeText at={updated_at} /> {text('by')} {updated_by}
          </>
        ),
    },
  ];
  return (
    <div className={styles.list}>
      <div className={styles.tools}>
        <TextInput label={text('search')} type="search" value={search} onChange={setSearch} />
        <Button needs="admin" onPress={make.onPress}>
          {make.words}
        </Button>
      </div>
      <Region
        what={text('loading')}
        query={query}
        isEmpty={(rows) => rows.length === 0}
        empty={
          <p className={styles.note}>{search === '' ? text('none') : text('noMatch', { text: search })}</p>
        }
      >
        {(rows) => (
          <VirtualTable
            label={label}
            columns={columns}
            rows={rows}
            keyOf={({ id }) => id}
            onOpen={(row) => navigate(addressOf(row))}
          />
        )}
      </Region>
    </div>
  );
}
