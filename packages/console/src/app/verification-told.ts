import { type operations, unwrap } from '@rigel/api-client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { api } from '../api/api.js';
import { live } from '../api/live/live.js';

export type VerificationState =
  operations['verification']['responses'][200]['content']['application/json']['data'];

export const VERIFICATION = {
  key: ['verification'],
  topic: 'verification',
  read: (): Promise<VerificationState> => unwrap(api.GET('/verification')),
};

/** The last verification as the live stream tells it: it stands beside every page, and no page waits for it. */
export function useVerificationTold(): VerificationState | undefined {
  const queries = useQueryClient();
  useEffect(
    () =>
      live.subscribe(VERIFICATION.topic, ({ event, data }) => {
        if (event === 'state') queries.setQueryData(VERIFICATION.key, data as VerificationState);
      }),
    [queries],
  );
  return useQuery({ queryKey: VERIFICATION.key, queryFn: VERIFICATION.read, enabled: false }).data;
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
] as const;

/** An age by its largest unit: `14 s`, `3 m`, `2 d`. */
export function ageText(ms: number): string {
  const unit = UNITS.find(([, length]) => ms >= length);
  return unit ? `${Math.floor(ms / unit[1])} ${unit[0]}` : `${Math.max(0, Math.floor(ms / 1_000))} s`;
}
