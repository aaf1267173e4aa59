import type { TaskInfo } from '@rigel/api-client';
import { type ReactNode, useCallback, useState } from 'react';
import { useQueryParam } from '../../app/query-param.js';
import { useIntl, useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { Choice } from '../../ui/choice.js';
import { CopyButton } from '../../ui/copy.js';
import { TextInput } from '../../ui/field.js';
import { Region } from '../../ui/region.js';
import { SelectionActions } from './actions/group-actions.js';
import { CELL_SIZES, type CellSize } from './grid/grid-layout.js';
import { type GridModel, type GridOrder, ORDERS } from './grid/grid-model.js';
import { GridView } from './grid/grid-view.js';
import type { useGrid } from './grid/use-grid.js';
import { LookLine } from './look-line.js';
import { RunsTable } from './runs-table.js';
import styles from './task.module.css';
import { taskWords } from './words.js';

interface NodesTabProps {
  task: TaskInfo;
  grid: ReturnType<typeof useGrid>;
}

/** The nodes of a task: as a picture of all of them, or as a table. */
export function NodesTab({ task, grid }: NodesTabProps): ReactNode {
  const text = useWords(taskWords);
  const [view, setView] = useQueryParam('view', 'grid');
  const choice = (
    <Choice
      label={text('view.label')}
      value={view === 'table' ? 'table' : 'grid'}
      choices={[
        ['grid', text('view.grid')],
        ['table', text('view.table')],
      ]}
      onChange={setView}
    />
  );
  if (view === 'table') return <RunsTable task={task} tools={choice} />;
  return (
    <Region what={text('what.grid')} query={grid.query}>
      {() =>
        grid.store.model && (
          <GridPart task={task} store={grid.store} model={grid.store.model} tools={choice} />
        )
      }
    </Region>
  );
}

function chosen<Value extends string>(value: string, values: readonly Value[]): Value {
  return values.find((one) => one === value) ?? (values[0] as Value);
}

const CELLS = CELL_SIZES.map(String);
/** Up to so many nodes have large cells, unless another size is chosen. */
const FEW_NODES = 400;

function GridPart({
  task,
  store,
  model,
  tools,
}: {
  task: TaskInfo;
  store: ReturnType<typeof useGrid>['store'];
  model: GridModel;
  tools: ReactNode;
}): ReactNode {
  const text = useWords(taskWords);
  const { formatNumber } = useIntl();
  const [orderParam, setOrder] = useQueryParam('order', 'batch');
  const usual = model.size <= FEW_NODES ? '16' : '8';
  const [cellParam, setCell] = useQueryParam('cell', usual);
  const [node, setNode] = useQueryParam('node', '', 'step');
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  const [looked, setLooked] = useState<number>();
  const [wanted, setWanted] = useState('');
  const [sought, setSought] = useState<{ index: number; seek: number }>();
  const order: GridOrder = chosen(orderParam, ORDERS);
  const cell = Number(chosen(cellParam, [usual, ...CELLS])) as CellSize;
  const opened = node === '' ? undefined : model.indexOfNode(Number(node));

  const find = (from: number): void => {
    const places = model.ordered(order);
    const place = wanted.trim() === '' ? undefined : model.find(wanted.trim(), places, from);
    if (place !== undefined) setSought({ index: places[place] as number, seek: (sought?.seek ?? 0) + 1 });
  };
  const toggle = (index: number): void => {
    const next = new Set(selected);
    if (!next.delete(index)) next.add(index);
    setSelected(next);
  };
  const isMissing = wanted.trim() !== '' && !model.ips.some((ip) => ip.includes(wanted.trim()));
  return (
    <>
      <div className={styles.tools}>
        {tools}
        <Choice
          label={text('grid.order')}
          value={order}
          choices={ORDERS.map((name) => [name, text(`order.${name}`)] as const)}
          onChange={setOrder}
        />
        <Choice
          label={text('grid.cell')}
          value={String(cell)}
          choices={CELLS.map((size) => [size, size] as const)}
          onChange={setCell}
        />
        <form
          className={styles.find}
          onSubmit={(event) => {
            event.preventDefault();
            find(sought === undefined ? 0 : sought.index + 1);
          }}
        >
          <TextInput
            label={text('find')}
            value={wanted}
            onChange={(value) => {
              setWanted(value);
              setSought(undefined);
            }}
            type="search"
            isCode
            error={isMissing ? text('find.none', { text: wanted.trim() }) : undefined}
          />
        </form>
        {selected.size > 0 && (
          <span className={styles.selection}>
            {text('grid.selected', { count: selected.size })}
            <CopyButton text={() => [...selected].map((index) => model.ips[index]).join('\n')}>
              {text('grid.copy')}
            </CopyButton>
            <SelectionActions task={task} model={model} selected={selected} />
            <Button kind="quiet" onPress={() => setSelected(new Set())}>
              {text('grid.clear')}
            </Button>
          </span>
        )}
      </div>
      <LookLine
        task={task}
        model={model}
        index={looked ?? sought?.index}
        hint={`${order === 'batch' && task.step_len >= 8 && task.batches > 1 ? `${text('grid.hint.batch')} ` : ''}${text('grid.hint')}`}
        count={formatNumber(model.size)}
      />
      <GridView
        store={store}
        model={model}
        steps={task.options.map(({ name }) => name)}
        order={order}
        cell={cell}
        opened={opened}
        selected={selected}
        onOpen={useCallback((index: number) => setNode(String(model.nodes[index])), [setNode, model])}
        onSelect={toggle}
        onLook={setLooked}
        sought={sought}
      />
    </>
  );
}
