import { Schema } from "effect"
import { openEnum } from "./openEnum.ts"

/** One precondition for a server to work fully. */
export const ReadinessCheck = Schema.Struct({
  /** `database`, `disk`, `queue`, `backups`; on Kubernetes also `cluster` and `watches`. Servers of later versions may have more. */
  name: Schema.String,
  ok: Schema.Boolean,
  /** The problem and its fix, or a note if there is no problem. */
  message: Schema.optionalWith(Schema.NullOr(Schema.String), { default: () => null })
}).annotations({ identifier: "ReadinessCheck" })
export interface ReadinessCheck extends Schema.Schema.Type<typeof ReadinessCheck> {}

export const Readiness = Schema.Struct({
  status: openEnum("ready"),
  checks: Schema.Array(ReadinessCheck)
}).annotations({ identifier: "Readiness" })
export interface Readiness extends Schema.Schema.Type<typeof Readiness> {}
