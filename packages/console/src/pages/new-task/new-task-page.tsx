import { type Preview, type Task, type Template, type UsableStep, unwrap } from '@rigel/api-client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { useLocation } from 'wouter';
import { api } from '../../api/api.js';
import { to } from '../../app/addresses.js';
import { Heading } from '../../app/heading.js';
import { LeaveGuard, leaveFreely } from '../../app/leave-guard.js';
import { AsideLink } from '../../plan/aside-link.js';
import { PlanForm } from '../../plan/plan-form.js';
import { startedTasks } from '../../plan/started-tasks.js';
import { useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { CountInput } from '../../ui/count-input.js';
import { Check, TextInput } from '../../ui/field.js';
import { Region, reasonOf } from '../../ui/region.js';
import { SearchSelect } from '../../ui/search-select.js';
import { STATES } from '../../ui/state.js';
import { TimeText } from '../../ui/time-text.js';
import { searchTemplates } from '../catalog/search-templates.js';
import { type Draft, isInAddress, LIMITS, limitIn, RANGES, requestOf } from './draft.js';
import styles from './new-task.module.css';
import { NodesSection } from './nodes-section.js';
import { fieldsOf, givenFor, problemOf, strayNames, valuesOfTask } from './params.js';
import { ParamsSection } from './params-section.js';
import { useChosenNodes } from './read-nodes.js';
import { useDraft } from './use-draft.js';
import { newTaskWords } from './words.js';

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
      <div className={styles.whole}>
        {known.error && (
          <Region what={text('what.template')} query={known}>
            {() => null}
          </Region>
        )}
        <Form draft={draft} change={change} known={known.data ?? NOTHING} />
      </div>
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
  const fields = useMemo(
    () => (template ? fieldsOf(template, usable, params) : []),
    [template, usable, params],
  );
  const missing = [
    ...(template ? [] : [text('missing.template')]),
    ...(chosen.data && chosen.data.addresses.length > 0 ? [] : [text('missing.nodes')]),
    ...(draft.by === 'labels' && Number.isNaN(limitIn(draft, 'first'))
      ? [text('missing.limit', { name: text('nodes.first') })]
      : []),
    ...LIMITS.filter((name) => Number.isNaN(limitIn(draft, name))).map((name) =>
      text('missing.limit', { name: text(`limit.${name}`) }),
    ),
    ...fields
      .filter((field) => problemOf(field, givenFor(params, field)) !== undefined)
      .map(({ name }) => text('missing.param', { name })),
  ];
  const request =
    template && chosen.data && missing.length === 0
      ? requestOf(draft, template, chosen.data.addresses)
      : undefined;
  const stray = template ? strayNames(template, fields, params) : [];
  const [planned, setPlanned] = useState<Preview>();
  const [, navigate] = useLocation();
  const queries = useQueryClient();
  return (
    <div className={styles.page}>
      <PlanForm
        body={request}
        missing={missing.length === 0 ? undefined : text('missing', { what: missing.join(', ') })}
        preview={async (body) => {
          const preview = await unwrap(api.POST('/task/preview', { body }));
          setPlanned(preview);
          return preview;
        }}
        run={(body, header) => startedTasks(api.POST('/task/create', { body, params: { header } }))}
        path="task/create"
        action={(preview) => {
          const what = draft.auto ? 'start' : 'make';
          return preview ? text(`action.${what}`, { count: preview.nodes.count }) : text(`now.${what}`);
        }}
        onCancel={() => navigate(to.tasks())}
        onStarted={(ids) => {
          leaveFreely();
          void queries.invalidateQueries({ queryKey: ['tasks'] });
          navigate(ids.length === 1 && ids[0] !== undefined ? to.task(ids[0]) : to.tasks());
        }}
      >
        <section aria-labelledby="new-task-template">
          <h2 id="new-task-template">
            <span>1</span> {text('section.template')}
          </h2>
          <div className={styles.fields}>
            <SearchSelect
              label={text('template')}
              what="templates"
              chosen={template?.name ?? ''}
              search={searchTemplates}
              onChoose={({ id }) =>
                change({ template: id, ...(id === draft.template ? {} : { params: {} }) })
              }
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
              {template.steps.map(({ name }) => name).join(' → ')}
              {' · '}
              <AsideLink href={to.template(template.id)}>{text('template.open')}</AsideLink>
            </p>
          )}
        </section>
        <section aria-labelledby="new-task-nodes">
          <h2 id="new-task-nodes">
            <span>2</span> {text('section.nodes')}
          </h2>
          <NodesSection draft={draft} onChange={change} chosen={chosen} />
        </section>
        <section aria-labelledby="new-task-params">
          <h2 id="new-task-params">
            <span>3</span> {text('section.params')}
          </h2>
          {template ? (
            <>
              <LikeBefore template={template} usable={usable} onChange={change} />
              <ParamsSection
                fields={fields}
                params={params}
                onChange={(params) => change({ params })}
                preview={request && planned}
              />
              <Stray names={stray} params={params} onChange={(params) => change({ params })} />
            </>
          ) : (
            <p className={styles.quiet}>{text('params.first')}</p>
          )}
        </section>
        <section aria-labelledby="new-task-limits">
          <h2 id="new-task-limits">
            <span>4</span> {text('section.limits')}
          </h2>
          <Limits draft={draft} onChange={change} />
        </section>
      </PlanForm>
    </div>
  );
}

/** Values that the template has no place for, as a link or an earlier template left them. */
function Stray({
  names,
  params,
  onChange,
}: {
  names: readonly string[];
  params: Draft['params'];
  onChange: (params: Draft['params']) => void;
}): ReactNode {
  const text = useWords(newTaskWords);
  if (names.length === 0) return null;
  return (
    <p data-warning>
      {text('params.stray', { names: names.join(', ') })}{' '}
      <Button
        kind="quiet"
        onPress={() =>
          onChange(Object.fromEntries(Object.entries(params).filter(([name]) => !names.includes(name))))
        }
      >
        {text('params.drop')}
      </Button>
    </p>
  );
}

function Limits({
  draft,
  onChange,
}: {
  draft: Draft;
  onChange: (changes: Partial<Draft>) => void;
}): ReactNode {
  const text = useWords(newTaskWords);
  return (
    <>
      <div className={styles.limits}>
        {LIMITS.map((name) => (
          <CountInput
            key={name}
            label={text(`limit.${name}`)}
            hint={text(`limit.hint.${name}`)}
            value={draft[name]}
            onChange={(value) => onChange({ [name]: value })}
            error={
              Number.isNaN(limitIn(draft, name))
                ? text('limit.wrong', { least: RANGES[name][0], most: RANGES[name][1] })
                : undefined
            }
          />
        ))}
      </div>
      <Check isSelected={draft.auto} onChange={(auto) => onChange({ auto })}>
        {text('auto')}
      </Check>
    </>
  );
}

interface LikeBeforeProps {
  template: Template;
  usable: readonly UsableStep[];
  onChange: (changes: Partial<Draft>) => void;
}

/** “As last time”: takes the values of an earlier task of the template. */
function LikeBefore({ template, usable, onChange }: LikeBeforeProps): ReactNode {
  const text = useWords(newTaskWords);
  const common = useWords();
  const [failure, setFailure] = useState<string>();
  const search = async (q: string) => {
    const { rows } = await unwrap(
      api.GET('/task/find', {
        params: { query: { template_id: template.id, limit: 20, ...(q === '' ? {} : { q }) } },
      }),
    );
    return rows.map(({ id, task_name, state, created_at, opr_user }) => ({
      id,
      name: `#${id} ${task_name}`,
      detail: (
        <>
          {common(`state.${STATES[state] ?? 'initial'}`)} · {opr_user} · <TimeText at={created_at} />
        </>
      ),
    }));
  };
  const take = async (id: number): Promise<void> => {
    setFailure(undefined);
    try {
      const task = (await unwrap(api.GET('/task/{id}', { params: { path: { id } } }))) as Task;
      onChange(takenFrom(task, template, usable));
    } catch (error) {
      setFailure(reasonOf(error as Error));
    }
  };
  // A link may name the task.
  const wanted = Number(new URLSearchParams(location.search).get('like'));
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each task that a link names.
  useEffect(() => {
    if (Number.isSafeInteger(wanted) && wanted > 0) void take(wanted);
  }, [wanted, template.id]);
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
        error={failure}
      />
    </div>
  );
}

/** What an earlier task gives: values, batches and budget. */
function takenFrom(task: Task, template: Template, usable: readonly UsableStep[]): Partial<Draft> {
  return {
    params: valuesOfTask(template, usable, task.options),
    max_num: task.step_len < task.nodes ? String(task.step_len) : '',
    max_ratio: '',
    max_fail_num: task.budget === null ? '' : String(task.budget),
    max_fail_ratio: '',
  };
}
