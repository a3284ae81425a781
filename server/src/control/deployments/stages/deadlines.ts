import type { Begun } from "./stageBase.ts"

/** The deadline of a stage's newest deployment, by a monotonic clock. */
export interface Deadline {
  readonly id: string
  readonly atMs: number
}

/** The database's deadline counts when this process first sees a deployment. From then on the process measures by itself. */
export const deadlineOf = (
  known: Deadline | undefined,
  { id, overdue, remaining_ms }: Begun,
  readMs: number,
  progressDeadlineMs: number
): Deadline =>
  known?.id === id
    ? known
    : { id, atMs: readMs + (overdue ? 0 : Math.min(progressDeadlineMs, Math.max(0, remaining_ms))) }

export const measuredBy = ({ atMs }: Deadline, row: Begun, nowMs: number): Begun => ({
  ...row,
  overdue: atMs <= nowMs,
  remaining_ms: atMs - nowMs
})
