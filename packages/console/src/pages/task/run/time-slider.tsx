import { unwrap } from '@rigel/api-client';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { api } from '../../../api/api.js';
import { useLiveQuery } from '../../../api/live-query.js';
import { useIntl, useWords } from '../../../text/intl.js';
import { Button } from '../../../ui/button.js';
import { TimeText } from '../../../ui/time-text.js';
import styles from './run.module.css';
import { runWords } from './words.js';

/** Parts of the track. */
const BUCKETS = 600;
const FRAMES = 60;

/** How a task stood after an event, as a key frame. */
export type Frame = Awaited<ReturnType<typeof readFrames>>['frames'][number];

function readFrames(id: number) {
  return unwrap(api.GET('/task/{id}/frames', { params: { path: { id }, query: { count: FRAMES } } }));
}

interface TimeSliderProps {
  taskId: number;
  isActive: boolean;
  /** The version that the page shows; undefined: it is live. */
  value: number | undefined;
  /** Called with the exact version when the slider is let go, stepped, or set to live. */
  onChange: (version: number | undefined) => void;
  /** Called with the nearest key frame while it is dragged; undefined: it is not dragged any more. */
  onPreview?: (frame: Frame | undefined) => void;
}

/**
 * The course of a task as a track with marks: what operators did, executors that were lost, bursts of failures. Dragging
 * shows key frames at once; letting go gives the exact version, for the address as `at=v20417`.
 */
export function TimeSlider({ taskId, isActive, value, onChange, onPreview }: TimeSliderProps): ReactNode {
  const text = useWords(runWords);
  const { formatNumber } = useIntl();
  const [dragged, setDragged] = useState<number>();
  const [wantsFrames, setWantsFrames] = useState(false);
  const { data: line } = useLiveQuery({
    key: ['task', taskId, 'timeline'],
    read: () =>
      unwrap(
        api.GET('/task/{id}/timeline', { params: { path: { id: taskId }, query: { buckets: BUCKETS } } }),
      ),
    pollMs: isActive ? 5_000 : 60_000,
  });
  const frames = useQuery({
    queryKey: ['task', taskId, 'frames', line?.version],
    queryFn: () => readFrames(taskId),
    enabled: wantsFrames && line !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!line) return <div className={styles.slider} />;
  const { versions, marks, failed, events, version: last, from_at, to_at } = line;
  const begin = Date.parse(from_at);
  const span = Math.max(1, Date.parse(to_at) - begin);
  const place =
    dragged ??
    (value === undefined
      ? BUCKETS - 1
      : Math.max(
          0,
          versions.findIndex((version) => version >= value),
        ));
  const shown = dragged === undefined ? value : Math.max(1, versions[dragged] ?? last);
  const drag = (to: number): void => {
    setDragged(to);
    const version = Math.max(1, versions[to] ?? last);
    onPreview?.(nearest(frames.data?.frames ?? [], version));
  };
  const letGo = (): void => {
    if (dragged === undefined) return;
    const version = Math.max(1, versions[dragged] ?? last);
    setDragged(undefined);
    onPreview?.(undefined);
    onChange(dragged === BUCKETS - 1 ? undefined : version);
  };
  const step = (by: number): void => {
    const next = Math.min(last, Math.max(1, (value ?? last) + by));
    onChange(next === last && by > 0 ? undefined : next);
  };
  const most = Math.max(1, ...events);
  const time = new Date(begin + ((place + 1) / BUCKETS) * span);
  return (
    <section
      className={styles.slider}
      aria-label={text('slider.label')}
      data-past={value !== undefined || undefined}
    >
      <TimeText at={from_at} withDate={false} />
      <div className={styles.track}>
        <svg viewBox={`0 0 ${BUCKETS} 20`} preserveAspectRatio="none" aria-hidden="true">
          {events.map((count, index) =>
            count > 0 ? (
              <rect
                // biome-ignore lint/suspicious/noArrayIndexKey: a part of the track is its index.
                key={index}
                x={index}
                width="1"
                y={20 - bar(count, most)}
                height={bar(count, most)}
                data-failed={(failed[index] ?? 0) > 0 || undefined}
              />
            ) : null,
          )}
        </svg>
        <input
          type="range"
          min={0}
          max={BUCKETS - 1}
          value={place}
          aria-label={text('slider.label')}
          aria-valuetext={text('slider.value', { version: shown ?? last, last })}
          onPointerDown={() => setWantsFrames(true)}
          onFocus={() => setWantsFrames(true)}
          onChange={(event) => drag(Number(event.currentTarget.value))}
          onPointerUp={letGo}
          onKeyUp={letGo}
          onBlur={letGo}
        />
        {marks.map((mark) => {
          const what = text(`mark.${mark.kind}`, { event: mark.event, by: mark.by, count: mark.count });
          return (
            <button
              key={`${mark.version} ${mark.event}`}
              type="button"
              className={styles.mark}
              data-kind={mark.kind}
              tabIndex={-1}
              style={{ insetInlineStart: `${((Date.parse(mark.at) - begin) / span) * 100}%` }}
              title={what}
              aria-label={what}
              onClick={() => onChange(mark.version === last ? undefined : mark.version)}
            />
          );
        })}
      </div>
      <span className={styles.moment} role="status">
        {shown === undefined ? (
          text('slider.live')
        ) : (
          <>
            <TimeText at={time} withDate={false} /> ·{' '}
            {text('slider.version', { version: formatNumber(shown), last: formatNumber(last) })}
          </>
        )}
      </span>
      <Button onPress={() => step(-1)} label={text('slider.back')}>
        ◀
      </Button>
      <Button
        onPress={() => step(1)}
        label={text('slider.on')}
        impossible={value === undefined ? text('slider.atEnd') : undefined}
      >
        ▶
      </Button>
      <Button
        onPress={() => onChange(undefined)}
        impossible={value === undefined ? text('slider.atEnd') : undefined}
      >
        {text('slider.now')}
      </Button>
    </section>
  );
}

/** What is rare is seen beside what is frequent. */
function bar(count: number, most: number): number {
  return 3 + 13 * (Math.log1p(count) / Math.log1p(most));
}

function nearest(frames: readonly Frame[], version: number): Frame | undefined {
  let best: Frame | undefined;
  for (const frame of frames) {
    if (!best || Math.abs(frame.version - version) < Math.abs(best.version - version)) best = frame;
  }
  return best;
}
