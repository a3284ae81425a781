/** Series of a test, in promtool's notation: `5x30` repeats 5 for 30 further minutes, `0+1x30` counts up by one a minute. */
export type Series = Readonly<Record<string, string>>

/** An alert, its runbook and its tests. */
export interface Alert {
  /** `Maxcloud…`, also the name of its page. */
  readonly name: string
  /** `critical`: tenants are affected or soon will be, so wake somebody. `warning`: look at it on the next working day. */
  readonly severity: "critical" | "warning"
  /** In PromQL. */
  readonly expr: string
  /** How long it must hold. */
  readonly for: string
  /** One sentence without values. */
  readonly summary: string
  /** What it means, and who notices. */
  readonly means: string
  /** How to see that it's true, and where. */
  readonly confirm: ReadonlyArray<string>
  /** What to do, the most likely first. */
  readonly fix: ReadonlyArray<string>
  /** Series that make it fire after an hour. */
  readonly fires: Series
  /** The labels of the alert that then fires, besides `severity`. */
  readonly labels?: Readonly<Record<string, string>>
  /** Similar series that don't. */
  readonly quiet: Series
}
