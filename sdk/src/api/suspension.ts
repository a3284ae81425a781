import { Schema } from "effect"
import { Author } from "./author.ts"
import { knownKeysOnly } from "./knownKeysOnly.ts"
import { Time } from "./time.ts"
import { visibleText } from "./visibleText.ts"

/** How long an app may be suspended, in seconds. A longer hotfix is suspended again, by somebody who still needs it. */
export const suspensionBounds = {
  leastSeconds: 60,
  usualSeconds: 3_600,
  mostSeconds: 86_400,
  reasonLength: 500
} as const

const { leastSeconds, mostSeconds, reasonLength, usualSeconds } = suspensionBounds

const SuspensionReason = visibleText(reasonLength, "The reason").pipe(
  Schema.filter((text) => /\S/.test(text) || "Say why the app is suspended.")
)

/** Stops the repair of an app's objects for some time. */
export const Suspend = Schema.Struct({
  reason: SuspensionReason,
  seconds: Schema.optionalWith(
    Schema.Int.pipe(
      Schema.between(leastSeconds, mostSeconds, {
        message: () => `An app can be suspended for ${leastSeconds} to ${mostSeconds} seconds.`
      })
    ),
    { default: () => usualSeconds }
  )
}).annotations({ identifier: "Suspend", ...knownKeysOnly })
export interface Suspend extends Schema.Schema.Type<typeof Suspend> {}

/** Until when max-cloud leaves the objects of an app's stage as they are, and why. */
export const Suspension = Schema.Struct({
  since: Time,
  until: Time,
  reason: Schema.String,
  /** The credential that last suspended it. Null for the user who started the server, without a credential. */
  createdBy: Schema.NullOr(Author)
}).annotations({ identifier: "Suspension" })
export interface Suspension extends Schema.Schema.Type<typeof Suspension> {}

/** `suspension` is null for an app that isn't suspended. */
export const SuspensionState = Schema.Struct({ suspension: Schema.NullOr(Suspension) }).annotations({
  identifier: "SuspensionState"
})
export interface SuspensionState extends Schema.Schema.Type<typeof SuspensionState> {}

/** The suspension of a service's app, as lists of services show it. */
export const SuspendedService = Schema.Struct({ until: Time, reason: Schema.String }).annotations({
  identifier: "SuspendedService"
})
export interface SuspendedService extends Schema.Schema.Type<typeof SuspendedService> {}
