import type { Condition, Revision } from "@maxcloud/sdk/api"
import { Schema } from "effect"

/**
 * A condition as Knative writes it and both runtimes store it. The API has words and null where Knative has `True` and empty
 * texts.
 */
export const KnativeCondition = Schema.Struct({
  type: Schema.String,
  status: Schema.Literal("True", "False", "Unknown"),
  reason: Schema.String,
  message: Schema.String,
  lastTransitionTime: Schema.String
})
export interface KnativeCondition extends Schema.Schema.Type<typeof KnativeCondition> {}

type Verdict = KnativeCondition["status"]

/** A revision, with its condition `Ready` as Knative writes it. */
export interface RuntimeRevision extends Omit<Revision, "ready" | "reason" | "message"> {
  readonly ready: Verdict
  readonly reason: string
  readonly message: string
}

const wordOf = { True: "true", False: "false", Unknown: "unknown" } as const satisfies Record<Verdict, string>
const orNull = (text: string) => (text === "" ? null : text)

export const toCondition = ({ lastTransitionTime, message, reason, status, type }: KnativeCondition): Condition => ({
  type,
  status: wordOf[status],
  reason: orNull(reason),
  message: orNull(message),
  changedAt: lastTransitionTime
})

export const toRevision = ({ message, ready, reason, ...rest }: RuntimeRevision): Revision => ({
  ...rest,
  ready: wordOf[ready],
  reason: orNull(reason),
  message: orNull(message)
})
