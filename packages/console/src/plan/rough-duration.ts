const UNITS = [
  ['day', 86_400_000, 172_800_000],
  ['hour', 3_600_000, 5_400_000],
  ['minute', 60_000, 90_000],
  ['second', 1_000, 0],
] as const;

/** The form of a number with its unit. */
interface UnitFormat {
  style: 'unit';
  unit: string;
  unitDisplay: 'short';
  maximumFractionDigits: number;
}

/** A duration that is an estimate, in the one unit that fits: `11 min`, `45 sec`, `2.5 hr`. */
export function roughDuration(ms: number, format: (value: number, options: UnitFormat) => string): string {
  const [unit, length] = UNITS.find(([, , from]) => ms >= from) ?? UNITS[3];
  const value = Math.max(1, ms / length);
  return format(value, {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits: value < 10 && length > 1_000 ? 1 : 0,
  });
}
