import type { Begun } from "./stageBase.ts"

/**
 * What is left of the deadline of a stage's newest deployment. It is measured by a clock that stands still while the runtime is
 * unreachable (`Runtime.awayMillis`).
 */
export interface Deadline {
  readonly id: string
  readonly atMs: number
  /** What the database has as left, in milliseconds: a new process continues with it. */
  readonly storedMs: number
}

/** How much less may be left than the database has, in milliseconds. It bounds how much a restart of the server adds. */
const unstoredMs = 2_000

/**
 * The database's rest counts when this process first sees a deployment. From then on the process measures by itself. Time in which
 * no server runs doesn't count either, because nobody knows whether the cluster was reachable.
 */
export const deadlineOf = (
  known: Deadline | undefined,
  { id, remaining_ms }: Begun,
  readMs: number,
  progressDeadlineMs: number
): Deadline => {
  if (known?.id === id) return known
  const leftMs = Math.min(progressDeadlineMs, Math.max(0, remaining_ms))
  return { id, atMs: readMs + leftMs, storedMs: remaining_ms }
}

export const measuredBy = ({ atMs }: Deadline, row: Begun, nowMs: number): Begun => ({
  ...row,
  overdue: atMs <= nowMs,
  remaining_ms: atMs - nowMs
})

/** What to store as left; undefined if the database has about that. */
export const restToStore = ({ atMs, storedMs }: Deadline, nowMs: number): number | undefined => {
  const leftMs = Math.max(0, atMs - nowMs)
  return Math.abs(storedMs - leftMs) < unstoredMs ? undefined : leftMs
}
