/** A line for people who look at the runtime's own object of a service, such as with `kubectl describe`. */
export interface Notice {
  /** The same for the same thing, in lower case: it's written once, whoever writes it. */
  readonly id: string
  readonly at: Date
  readonly severity: "Normal" | "Warning"
  /** A word in CamelCase. */
  readonly reason: string
  /** A sentence of ours: no text of a tenant, and no secret. */
  readonly message: string
}
