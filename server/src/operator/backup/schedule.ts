/** The last moment before `now` when a daily backup was due. `time`: `HH:MM`, UTC. */
export const lastDue = (now: Date, time: string): Date => {
  const due = new Date(`${now.toISOString().slice(0, 11)}${time}:00Z`)
  return due > now ? new Date(due.getTime() - 86_400_000) : due
}

/**
 * Is a backup due? Yes if none was made since the last scheduled time, for example because the server was stopped. Also
 * if the newest is from the future: the clock was set back, so its age is unknown.
 */
export const isBackupDue = (now: Date, time: string, newest: Date | undefined): boolean =>
  newest === undefined || newest < lastDue(now, time) || newest > now
