/** The moment before `now` at which a daily backup was to be made. `time`: `HH:MM`, UTC. */
export const lastDue = (now: Date, time: string): Date => {
  const due = new Date(`${now.toISOString().slice(0, 11)}${time}:00Z`)
  return due > now ? new Date(due.getTime() - 86_400_000) : due
}

/**
 * Is a backup to be made? One is if none was since the last time that it should have been, such as while the server was stopped; and if the
 * newest is of the future: the clock was set back, and its age can't be told.
 */
export const isBackupDue = (now: Date, time: string, newest: Date | undefined): boolean =>
  newest === undefined || newest < lastDue(now, time) || newest > now
