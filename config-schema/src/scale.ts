import { Schema } from "effect"
import { DurationBetween } from "./quantities.ts"

const whole = (min: number, max: number, what: string) =>
  Schema.Number.pipe(
    Schema.filter(
      (_) =>
        Number.isInteger(_) && _ >= min && _ <= max
          ? true
          : `${_} isn't a valid ${what}. Use a whole number from ${min} to ${max}.`,
      { jsonSchema: { type: "integer", minimum: min, maximum: max }, arbitrary: () => (fc) => fc.integer({ min, max }) }
    )
  )

const Fields = Schema.Struct({
  /** Instances kept even without requests. 0 lets the service go to zero. @default 0 */
  min: Schema.optionalWith(whole(0, 1000, "number of instances"), { default: () => 0 }),
  /** Instances at most. @default 10 */
  max: Schema.optionalWith(whole(1, 1000, "number of instances"), { default: () => 10 }),
  /** Target: requests at a time per instance, which the autoscaler aims at. @default 80 */
  concurrency: Schema.optionalWith(whole(1, 1000, "concurrency"), { default: () => 80 }),
  /** Hard limit: requests at a time per instance; more wait. 0: none. (Knative `containerConcurrency`.) @default 0 */
  maxConcurrency: Schema.optionalWith(whole(0, 1000, "hard limit of concurrency"), { default: () => 0 }),
  /** How long without requests until an instance is given up: the autoscaler's stable window. @default "60s" */
  idle: Schema.optionalWith(DurationBetween("6s", "1h", { wholeSeconds: true }), {
    default: () => DurationBetween("6s", "1h").to.make(60_000)
  })
})

/** How many instances a service has (Knative: `autoscaling.knative.dev/*`). */
export const Scale = Fields.pipe(
  Schema.filter((scale) => {
    if (scale.min > scale.max)
      return {
        path: ["min"],
        message: `min (${scale.min}) is greater than max (${scale.max}). Lower min or raise max.`
      }
    if (scale.maxConcurrency > 0 && scale.concurrency > scale.maxConcurrency) {
      return {
        path: ["concurrency"],
        message: `The target (${scale.concurrency}) is greater than the hard limit maxConcurrency (${scale.maxConcurrency}). Lower it.`
      }
    }
    return true
  })
).annotations({ identifier: "Scale" })
export type Scale = typeof Scale.Type

export { whole }
