/** What is left of a restore. */
export interface RestoreProgress {
  /** Stages of apps that wait for a check, or are being checked. */
  readonly stages: number
  /** Services that the runtime has lost and that aren't applied again yet. */
  readonly services: number
}

export interface Restore {
  /** How many stages of apps the servers check now. */
  readonly stages: number
  /** What was left at the end of following it; undefined: nobody followed it. */
  readonly left?: RestoreProgress
}
