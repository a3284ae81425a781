export interface OperatorFailure {
  readonly ok: false
  readonly reason: "setting" | "database" | "key" | "organization" | "quota" | "audit" | "disk"
  readonly message: string
  /** Names of existing organizations, if the named one doesn't exist. */
  readonly organizations?: ReadonlyArray<string>
}

export type OperatorResult<A> = { readonly ok: true; readonly value: A } | OperatorFailure
