/** How many stages of apps the servers check now. */
export interface Restore {
  readonly stages: number
}
