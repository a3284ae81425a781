export interface OperatorFailure {
  readonly ok: false
  readonly reason: "setting" | "database" | "key" | "organization" | "quota" | "audit" | "disk"
  readonly message: string
  /** Names of the organizations that there are, where the one that was named is not. */
  readonly organizations?: ReadonlyArray<string>
}

export type OperatorResult<A> = { readonly ok: true; readonly value: A } | OperatorFailure
