import { AppName, StageName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { listOf } from "./lists.ts"
import { openEnum } from "./openEnum.ts"
import { Time } from "./time.ts"

export const DriftChange = Schema.Literal("edited", "deleted")
export type DriftChange = typeof DriftChange.Type

/** A change by somebody else to an app's object in the cluster, and when max-cloud reverted it. */
export const DriftRecord = Schema.Struct({
  /** null for an object of the whole stage, such as its default network policy. */
  app: AppName,
  stage: StageName,
  apiVersion: Schema.String,
  kind: Schema.String,
  name: Schema.String,
  change: openEnum(...DriftChange.literals),
  /** The field manager that made the change, such as `kubectl-edit`; null for a deletion, which leaves no name. */
  manager: Schema.NullOr(Schema.String),
  fields: Schema.Array(Schema.String),
  noticedAt: Time,
  /** null if not yet. */
  healedAt: Schema.NullOr(Time)
}).annotations({ identifier: "DriftRecord" })
export interface DriftRecord extends Schema.Schema.Type<typeof DriftRecord> {}

export const DriftList = listOf(DriftRecord, {
  name: "drift",
  sorts: ["-noticedAt"],
  filters: { change: Schema.optional(DriftChange) }
})
