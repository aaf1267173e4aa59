import { once, type Task, type Template, type UsableStep, unwrap } from '@rigel/api-client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useMemo } from 'react';
import { Link, useLocation } from 'wouter';
import { api } from '../../api/api.js';
import { to } from '../../app/addresses.js';
import { Heading } from '../../app/frame.js';
import { LeaveGuard, leaveFreely } from '../../app/leave-guard.js';
import { useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { Check, NumberInput, TextInput } from '../../ui/field.js';
import { Region } from '../../ui/region.js';
import { SearchSelect } from '../../ui/search-select.js';
import { STATES } from '../../ui/state.js';
import { type Draft, isInAddress, requestOf } from './draft.js';
import styles from './new-task.module.css';
import { NodesSection } from './nodes-section.js';
import { fieldsOf, problemOf, strayNames, valueOf, valuesOfTask } from './params.js';
import { ParamsSection } from './params-section.js';
import { useChosenNodes } from './read-nodes.js';
import { useDraft } from './use-draft.js';
import { newTaskWords } from './words.js';

async function searchTemplates(name: string) {
  const rows = await unwrap(
    api.GET('/task_tpl/list', {
      params: { query: { page: 1, page_size: 50, ...(name === '' ? {} : { name }) } },
    }),
  );
  return rows.map(({ id, name, desc }) => ({ id, name, ...(desc === '' ? {} : { detail: desc }) }));
}

/** What is read of the catalog for a form. */
interface Known {
  template: Template | undefined;
  usable: readonly UsableStep[];
}

const NOTHING: Known = { template: undefined, usable: [] };

function useKnown(id: number | undefined) {
  return useQuery({
    queryKey: ['new task', 'template', id],
    queryFn: async (): Promise<Known> => {
      if (id === undefined) return NOTHING;
      const [template, usable] = await Promise.all([
        unwrap(api.GET('/task_tpl/{id}', { params: { path: { id } } })),
        unwrap(api.GET('/task_step/list', { params: { query: { page: 1, page_size: 1_000 } } })),
      ]);
      return { template, usable };
    },
  });
}

/** Everything of a new task on one page, and beside it what it would do. */
export function NewTaskPage(): ReactNode {
  const text = useWords(newTaskWords);
  const common = useWords();
  const form = useDraft();
  const { draft, change } = form;
  const known = useKnown(draft.template);
  return (
    <>
      <Heading title={common('page.newTask')} />
      <LeaveGuard isDirty={form.isTouched} isKept={isInAddress(draft)} />
      <Region what={text('what.template')} query={known}>
        {(read) => <Form draft={draft} change={change} known={read} />}
      </Region>
    </>
  );
}

interface FormProps {
  draft: Draft;
  change: (changes: Partial<Draft>) => void;
  known: Known;
}

function Form({ draft, change, known: { template, usable } }: FormProps): ReactNode {
  const text = useWords(newTaskWords);
  const chosen = useChosenNodes(draft);
  const { params } = draft;
  const fields = useMemo(() => (template ? fieldsOf(template, usable, params) : []), [template, usable, params]);
  const missing = [
    ...(template ? [] : [text('missing.template')]),
    ...(chosen.data && chosen.data.addresses.length > 0 ? [] : [text('missing.nodes')]),
    ...fields
      .filter((field) => problemOf(field, valueOf(params, field)) !== undefined)
      .map(({ name }) => text('missing.param', { name })),
  ];
  const request =
    template && chosen.data && missing.length === 0
      ? requestOf(draft, template, chosen.data.addresses)
      : undefined;
  const stray = template ? strayNames(template, fields, params) : [];
  return (
    <div className={styles.columns}>
      <div className={styles.form}>
        <section aria-labelledby="new-task-template">
          <h2 id="new-task-template">1 {text('section.template')}</h2>
          <div className={styles.fields}>
            <SearchSelect
              label={text('template')}
              what="templates"
              chosen={template?.name ?? ''}
              search={searchTemplates}
              onChoose={({ id }) => change({ template: id, ...(id === draft.template ? {} : { params: {} }) })}
            />
            <TextInput
              label={text('name')}
              value={draft.name}
              onChange={(name) => change({ name })}
              placeholder={template?.name ?? ''}
            />
          </div>
          {template && (
            <p className={styles.quiet}>
              {template.steps.map(({ name }) => name).join(' → ')}{' '}
              <Link href={to.template(template.id)}>{text('template.open')}</Link>
            </p>
          )}
        </section>
        <section aria-labelledby="new-task-nodes">
          <h2 id="new-task-nodes">2 {text('section.nodes')}</h2>
          <NodesSection draft={draft} onChange={change} chosen={chosen} />
        </section>
        <section aria-labelledby="new-task-params">
          <h2 id="new-task-params">3 {text('section.params')}</h2>
          {template ? (
            <>
              <LikeBefore template={template} usable={usable} onChange={change} />
              <ParamsSection fields={fields} params={params} onChange={(params) => change({ params })} preview={undefined} />
              {stray.length > 0 && (
                <p data-warning>
                  {text('params.stray', { names: stray.join(', ') })}{' '}
                  <Button
                    kind="quiet"
                    onPress={() =>
                      change({
                        params: Object.fromEntries(Object.entries(params).filter(([name]) => !stray.includes(name))),
                      })
                    }
                  >
                    {text('params.drop')}
                  </Button>
                </p>
              )}
            </>
          ) : (
            <p className={styles.quiet}>{text('params.first')}</p>
          )}
        </section>
        <section aria-labelledby="new-task-limits">
          <h2 id="new-task-limits">4 {text('section.limits')}</h2>
          <Limits draft={draft} onChange={change} />
        </section>
      </div>
    </div>
  );
}

function Limits({ draft, onChange }: { draft: Draft; onChange: (changes: Partial<Draft>) => void }): ReactNode {
  const text = useWords(newTaskWords);
  return (
    <>
      <div className={styles.fields}>
        <NumberInput
          label={text('max_num')}
          hint={text('max_num.hint')}
          value={draft.max_num}
          onChange={(max_num) => onChange({ max_num })}
          min={0}
        />
        <NumberInput
          label={text('max_ratio')}
          hint={text('max_ratio.hint')}
          value={draft.max_ratio}
          onChange={(max_ratio) => onChange({ max_ratio })}
          min={1}
          max={100}
        />
        <NumberInput
          label={text('max_fail_num')}
          hint={text('max_fail_num.hint')}
          value={draft.max_fail_num}
          onChange={(max_fail_num) => onChange({ max_fail_num })}
          min={0}
        />
        <NumberInput
          label={text('max_fail_ratio')}
          hint={text('max_fail_ratio.hint')}
          value={draft.max_fail_ratio}
          onChange={(max_fail_ratio) => onChange({ max_fail_ratio })}
          min={0}
          max={100}
        />
        <NumberInput
          label={text('timeout')}
          hint={text('timeout.hint')}
          value={draft.timeout}
          onChange={(timeout) => onChange({ timeout })}
          min={0}
          max={525_600}
        />
      </div>
      <Check isSelected={draft.auto} onChange={(auto) => onChange({ auto })}>
        {text('auto')}
      </Check>
    </>
  );
}

/** The fields that an earlier task gives. */
function takenFrom(task: Task, { template, usable }: { template: Template; usable: readonly UsableStep[] }): Partial<Draft> {
  return {
    params: valuesOfTask(template, usable, task.options),
    max_num: task.step_len < task.nodes ? task.step_len : undefined,
    max_ratio: undefined,
    max_fail_num: task.budget ?? undefined,
    max_fail_ratio: undefined,
  };
}

/** “As last time”: takes the values of an earlier task of the template. */
function LikeBefore({
  template,
  usable,
  onChange,
}: {
  template: Template;
  usable: readonly UsableStep[];
  onChange: (changes: Partial<Draft>) => void;
}): ReactNode {
  const text = useWords(newTaskWords);
  const common = useWords();
  const read = (q: string): Promise<{ rows: Task[] }> =>
    unwrap(
      api.GET('/task/find', {
        params: { query: { template_id: template.id, limit: 20, ...(q === '' ? {} : { q }) } },
      }),
    );
  const search = async (q: string) =>
    (await read(q)).rows.map(({ id, task_name, state, created, opr_user }) => ({
      id,
      name: `#${id} ${task_name}`,
      detail: `${common(`state.${STATES[state] ?? 'initial'}`)} · ${opr_user} · ${created}`,
    }));
  const take = async (id: number): Promise<void> => {
    const task = (await unwrap(api.GET('/task/{id}', { params: { path: { id } } }))) as Task;
    onChange(takenFrom(task, { template, usable }));
  };
  return (
    <div className={styles.like}>
      <SearchSelect
        label={text('like')}
        what={`tasks of ${template.id}`}
        chosen=""
        isList
        search={search}
        onChoose={({ id }) => void take(id)}
        hint={text('like.hint')}
      />
    </div>
  );
}
