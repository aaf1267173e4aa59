import { type SchedulePreview, type ScheduleStanding, unwrap } from '@rigel/api-client';
import { type UseQueryResult, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { api } from '../../api/api.js';
import { useWords } from '../../text/intl.js';
import { AsCommand } from '../../ui/as-command.js';
import { Button } from '../../ui/button.js';
import { Choice } from '../../ui/choice.js';
import { Check, NumberInput, Select, TextInput } from '../../ui/field.js';
import { FormRefusal, RefusedFields, RefusedPart, useShows } from '../../ui/refused-fields.js';
import { Region } from '../../ui/region.js';
import { dayWords } from './details.js';
import { type Draft, type DraftDepend, type DraftItem, draftOf, newItem, requestOf } from './draft.js';
import { Preview } from './preview.js';
import styles from './schedules.module.css';
import { scheduleWords } from './words.js';

interface EditorProps {
  /** Undefined: a new one. */
  schedule: ScheduleStanding | undefined;
  onClose: () => void;
}

/** The API reads both spellings, and refusals name the second one. */
const SPELLINGS = { cron_items: 'cron_itmes', depend_items: 'depend_itmes' };

/** How long typing pauses before the preview is made, in milliseconds. */
const PAUSE_MS = 350;

const WEEK_DAYS = ['0', '2', '3', '4', '5', '6', '7', '1'] as const;

/** The form of a scheduled task, and beside it what saving does. What is saved is what the preview showed. */
export function Editor({ schedule, onClose }: EditorProps): ReactNode {
  const text = useWords(scheduleWords);
  const common = useWords();
  const queries = useQueryClient();
  const [draft, setDraft] = useState<Draft>(() => draftOf(schedule));
  // The version that the form was made from: a save in between must be seen before it is replaced.
  const [seen] = useState(schedule?.version ?? 0);
  const [isPending, setPending] = useState(false);
  const [failure, setFailure] = useState<Error>();
  const change = (part: Partial<Draft>): void => {
    setDraft((before) => ({ ...before, ...part }));
    setFailure(undefined);
  };
  const request = requestOf(draft, schedule?.id ?? 0);
  const settled = useSettled(JSON.stringify(request ?? null));
  const preview = useQuery({
    queryKey: ['schedule preview', settled],
    queryFn: async () =>
      unwrap(
        api.POST('/task/saveTask/preview', { body: JSON.parse(settled) as NonNullable<typeof request> }),
      ),
    enabled: settled !== 'null',
    retry: false,
  });
  // The preview checks while somebody types: a refusal stands at its field, and the focus stays.
  const early = request !== undefined && settled === JSON.stringify(request) ? preview.error : null;
  const isShown = request !== undefined && settled === JSON.stringify(request) && preview.isSuccess;
  const save = async (): Promise<void> => {
    if (!request) return;
    setPending(true);
    setFailure(undefined);
    try {
      await unwrap(api.POST('/task/saveTask', { body: { ...request, if_version: seen } }));
      await queries.invalidateQueries({ queryKey: ['schedules'] });
      onClose();
    } catch (error) {
      setFailure(error instanceof Error ? error : new Error(String(error)));
      setPending(false);
    }
  };
  return (
    <RefusedFields
      error={failure ?? early ?? undefined}
      takesFocus={failure !== undefined}
      spellings={SPELLINGS}
    >
      <div className={styles.editor}>
        {!schedule && (
          <>
            <PoolSelect
              name="pool_id"
              label={text('edit.pool')}
              value={draft.pool}
              onChange={(pool) => change({ pool })}
              autoFocus
            />
            <Choice
              label={text('type')}
              value={draft.type}
              choices={[
                ['expand', text('type.expand')],
                ['upload', text('type.upload')],
              ]}
              onChange={(type) => change({ type })}
            />
          </>
        )}
        <Choice
          label={text('edit.exec')}
          value={draft.exec}
          choices={[
            ['crontab', text('edit.crontab')],
            ['depend', text('edit.depend')],
          ]}
          onChange={(exec) => change({ exec })}
        />
        <TextInput
          name="time_zone"
          label={text('edit.zone')}
          hint={text('edit.zone.hint')}
          value={draft.zone}
          onChange={(zone) => change({ zone })}
          isCode
        />
        {draft.exec === 'crontab' && (
          <RefusedPart name="cron_itmes">
            <Items type={draft.type} items={draft.items} onChange={(items) => change({ items })} />
          </RefusedPart>
        )}
        <RefusedPart name="depend_itmes">
          <Depends depends={draft.depends} onChange={(depends) => change({ depends })} />
        </RefusedPart>
        <section className={styles.preview} aria-live="polite">
          <h3>{text('preview')}</h3>
          {request === undefined ? (
            <p className={styles.quiet}>{text('preview.wait')}</p>
          ) : (
            <PreviewRegion query={preview} type={draft.type} />
          )}
        </section>
        {failure && <FormRefusal className={styles.failure} />}
        <div className={styles.buttons}>
          <Button onPress={onClose}>{common('dialog.cancel')}</Button>
          <Button
            kind="primary"
            needs="operator"
            isPending={isPending}
            impossible={isShown ? undefined : text('edit.unsaved')}
            onPress={() => void save()}
          >
            {text('edit.save')}
          </Button>
        </div>
        {request && (
          <AsCommand
            request={{ method: 'POST', path: 'task/saveTask', body: { ...request, if_version: seen } }}
          />
        )}
      </div>
    </RefusedFields>
  );
}

/** The preview; instead of an error that stands at its field it says so. */
function PreviewRegion({
  query,
  type,
}: {
  query: UseQueryResult<SchedulePreview>;
  type: Draft['type'];
}): ReactNode {
  const text = useWords(scheduleWords);
  const shows = useShows();
  if (query.error && shows(query.error)) return <p className={styles.quiet}>{text('preview.refused')}</p>;
  return (
    <Region what={text('preview.what')} query={query}>
      {(data) => <Preview preview={data} type={type} />}
    </Region>
  );
}

/** A text when it has not changed for a moment. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

interface PoolSelectProps {
  name: string;
  label: string;
  /** 0: none. */
  value: number;
  onChange: (id: number) => void;
  autoFocus?: boolean;
}

function PoolSelect({ name, label, value, onChange, autoFocus = false }: PoolSelectProps): ReactNode {
  const text = useWords(scheduleWords);
  const pools = useQuery({
    queryKey: ['pools of the form'],
    queryFn: async () => unwrap(api.GET('/pool/list', { params: { query: { page: 1, page_size: 1_000 } } })),
    staleTime: 60_000,
  });
  const choices = (pools.data ?? []).map(({ id, name }) => [String(id), name] as const);
  const known = value === 0 || choices.some(([id]) => id === String(value));
  return (
    <Select
      name={name}
      label={label}
      value={String(value)}
      choices={[
        ['0', text('edit.pool.none')],
        ...(known ? [] : [[String(value), `#${value}`] as const]),
        ...choices,
      ]}
      onChange={(id) => onChange(Number(id))}
      autoFocus={autoFocus}
    />
  );
}

interface ItemsProps {
  type: Draft['type'];
  items: readonly DraftItem[];
  onChange: (items: DraftItem[]) => void;
}

function Items({ type, items, onChange }: ItemsProps): ReactNode {
  const text = useWords(scheduleWords);
  const change = (key: number, part: Partial<DraftItem>): void =>
    onChange(items.map((item) => (item.key === key ? { ...item, ...part } : item)));
  return (
    <fieldset className={styles.rows}>
      <legend>{text('items')}</legend>
      {items.map((item, index) => (
        <div key={item.key} className={styles.row} data-type={type}>
          <Select
            name={`cron_itmes.${index}.week_day`}
            label={text('edit.day')}
            value={String(item.week_day)}
            choices={WEEK_DAYS.map((day) => [day, dayWords(Number(day), text)])}
            onChange={(day) => change(item.key, { week_day: Number(day) })}
          />
          <TextInput
            name={`cron_itmes.${index}.time`}
            label={text('edit.time')}
            value={item.time}
            placeholder="08:00"
            onChange={(time) => change(item.key, { time })}
            isCode
          />
          {type === 'expand' ? (
            <NumberInput
              name={`cron_itmes.${index}.instance_num`}
              label={text('edit.instances')}
              value={item.instance_num}
              min={0}
              max={200}
              onChange={(instance_num) => change(item.key, { instance_num })}
            />
          ) : (
            <>
              <NumberInput
                name={`cron_itmes.${index}.concurr_ratio`}
                label={text('edit.ratio')}
                value={item.concurr_ratio}
                min={0}
                max={100}
                onChange={(concurr_ratio) => change(item.key, { concurr_ratio })}
              />
              <NumberInput
                name={`cron_itmes.${index}.concurr_num`}
                label={text('edit.num')}
                value={item.concurr_num}
                min={0}
                onChange={(concurr_num) => change(item.key, { concurr_num })}
              />
            </>
          )}
          <Check isSelected={item.ignore} onChange={(ignore) => change(item.key, { ignore })}>
            {text('edit.ignore')}
          </Check>
          <Button
            kind="quiet"
            label={text('edit.remove', { what: `${dayWords(item.week_day, text)} ${item.time}` })}
            onPress={() => onChange(items.filter(({ key }) => key !== item.key))}
          >
            ✕
          </Button>
        </div>
      ))}
      <Button onPress={() => onChange([...items, newItem()])}>{text('edit.add')}</Button>
    </fieldset>
  );
}

interface DependsProps {
  depends: readonly DraftDepend[];
  onChange: (depends: DraftDepend[]) => void;
}

function Depends({ depends, onChange }: DependsProps): ReactNode {
  const text = useWords(scheduleWords);
  const change = (key: number, part: Partial<DraftDepend>): void =>
    onChange(depends.map((item) => (item.key === key ? { ...item, ...part } : item)));
  return (
    <fieldset className={styles.rows}>
      <legend>{text('graph')}</legend>
      {depends.map((item, index) => (
        <div key={item.key} className={styles.row} data-type="depend">
          <PoolSelect
            name={`depend_itmes.${index}.pool_id`}
            label={text('graph.pool')}
            value={item.pool_id}
            onChange={(pool_id) => change(item.key, { pool_id })}
          />
          <TextInput
            name={`depend_itmes.${index}.step_name`}
            label={text('edit.follow.step')}
            value={item.step_name}
            onChange={(step_name) => change(item.key, { step_name })}
            isCode
          />
          <TextInput
            name={`depend_itmes.${index}.ratio`}
            label={text('edit.follow.ratio')}
            value={item.ratio}
            error={Number.isNaN(Number(item.ratio)) ? text('edit.follow.ratio.wrong') : undefined}
            onChange={(ratio) => change(item.key, { ratio })}
            isCode
          />
          <NumberInput
            name={`depend_itmes.${index}.elastic_count`}
            label={text('edit.follow.spare')}
            value={item.elastic_count}
            min={0}
            max={1_000}
            onChange={(elastic_count) => change(item.key, { elastic_count })}
          />
          <Check isSelected={item.ignore} onChange={(ignore) => change(item.key, { ignore })}>
            {text('edit.ignore')}
          </Check>
          <Button
            kind="quiet"
            label={text('edit.remove', { what: `#${item.pool_id}` })}
            onPress={() => onChange(depends.filter(({ key }) => key !== item.key))}
          >
            ✕
          </Button>
        </div>
      ))}
      <Button
        onPress={() =>
          onChange([
            ...depends,
            { key: newItem().key, pool_id: 0, step_name: '', ratio: '1', elastic_count: 0, ignore: false },
          ])
        }
      >
        {text('edit.follow')}
      </Button>
    </fieldset>
  );
}
