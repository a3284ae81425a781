/** What a repair found. */
export interface RepairedAudit {
  readonly log: string
  /** Entries that were read, and fit. */
  readonly entries: number
  /** What the head said before, where it didn't fit. */
  readonly former: { readonly sequence: number; readonly hash: string } | null
  /** By the number of their entry: those that the server hasn't signed. */
  readonly removedCheckpoints: ReadonlyArray<number>
}
