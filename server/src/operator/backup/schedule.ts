/** The moment before `now` at which a daily backup was to be made. `time`: `HH:MM`, UTC. */
export const lastDue = (now: Date, time: string): Date => {
  const due = new Date(`${now.toISOString().slice(0, 11)}${time}:00Z`)
  return due > now ? new Date(due.getTime() - 86_400_000) : due
}

/**
 * Is a backup due? It is if none was made since the last scheduled time, for example because the server was stopped. It also is if the
 * newest is from the future: the clock was set back, and its age is unknown.
 */
export const isBackupDue = (now: Date, time: string, newest: Date | undefined): boolean =>
  newest === undefined || newest < lastDue(now, time) || newest > now
