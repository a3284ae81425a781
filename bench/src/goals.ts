import type { Row } from "./measure.ts"

const units: Readonly<Record<string, number>> = { s: 1, ms: 1e-3, µs: 1e-6, GB: 1e9, MB: 1e6, kB: 1e3, "%": 1, "×": 1 }

const numberIn = (text: string): number | undefined => {
  const [, value, unit = ""] = /([\d.]+) (s|ms|µs|GB|MB|kB|%|×)$/.exec(text) ?? []
  const factor = units[unit]
  return value === undefined || factor === undefined ? undefined : Number(value) * factor
}

/** `≤ 2 ×` applies to the ratio. So does `≤ its build + 1.5 s`, if the ratio is written as `+ 3.05 s`. `≤ 1.5 s` applies to our own value. */
const misses = ({ ours, ratio }: Row, part: string): boolean => {
  const goal = numberIn(part)
  const measured = numberIn(/×$| \+ /.test(part) ? ratio : ours)
  if (goal === undefined || measured === undefined) return false
  return part.startsWith("≤ ") ? measured > goal : part.startsWith("≥ ") && measured < goal
}

/** Does the row miss a bound of its goal (`≤ 2 s, ≤ 6 ×`)? Goals like `about 1 ×` have no bound. */
export const isMissed = (row: Row): boolean => row.goal.split(", ").some((part) => misses(row, part))

export const rowLine = (row: Row): string =>
  `| ${row.work} | ${row.ours} | ${row.peer} | ${row.ratio} | ${row.goal}${isMissed(row) ? " (**missed**)" : ""} |`
