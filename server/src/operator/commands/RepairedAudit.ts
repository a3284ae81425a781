/** The findings of a repair. */
export interface RepairedAudit {
  readonly log: string
  /** Entries that were read and fit. */
  readonly entries: number
  /** The head's former value, if it didn't fit. */
  readonly former: { readonly sequence: number; readonly hash: string } | null
  /** Checkpoints that the server hasn't signed, by their entry's number. */
  readonly removedCheckpoints: ReadonlyArray<number>
}
