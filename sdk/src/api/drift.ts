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

/** The most fields in a `LeftAlone`. */
export const mostLeftAlone = 500
/** The longest path of a field, in characters. */
export const longestFieldPath = 500

/** A field that another field manager added to an app's object, and that max-cloud doesn't revert because it changes nothing that runs. */
export const LeftAloneField = Schema.Struct({
  apiVersion: Schema.String,
  kind: Schema.String,
  name: Schema.String,
  /** The path without the value, such as `metadata.annotations[example.com/owner]`. A longer one is cut and ends with `…`. */
  path: Schema.String.pipe(Schema.maxLength(longestFieldPath)),
  /** The field manager that owns it, such as `kubectl-edit`. */
  manager: Schema.String,
  /** When this manager last changed its fields of the object; null if the cluster doesn't say. */
  since: Schema.NullOr(Time)
}).annotations({ identifier: "LeftAloneField" })
export interface LeftAloneField extends Schema.Schema.Type<typeof LeftAloneField> {}

/** The fields of an app's objects that belong to others and stay, as the cluster has them now. */
export const LeftAlone = Schema.Struct({
  fields: Schema.Array(LeftAloneField).pipe(Schema.maxItems(mostLeftAlone)),
  /** false: there are more fields or objects than one response lists. */
  complete: Schema.Boolean
}).annotations({ identifier: "LeftAlone" })
export interface LeftAlone extends Schema.Schema.Type<typeof LeftAlone> {}

export const DriftList = listOf(DriftRecord, {
  name: "drift",
  sorts: ["-noticedAt"],
  filters: { change: Schema.optional(DriftChange) }
})
