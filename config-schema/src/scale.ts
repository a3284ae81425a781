import { Schema } from "effect"
import { typedAs, withDefault } from "./field.ts"
import { DurationBetween } from "./quantities.ts"

const whole = (min: number, max: number, what: string) =>
  Schema.Number.pipe(
    Schema.filter(
      (value) =>
        Number.isInteger(value) && value >= min && value <= max
          ? true
          : `${value} isn't a valid ${what}. Use a whole number from ${min} to ${max}.`,
      { jsonSchema: { type: "integer", minimum: min, maximum: max }, arbitrary: () => (fc) => fc.integer({ min, max }) }
    )
  )

const Fields = Schema.Struct({
  min: withDefault(
    whole(0, 1000, "number of instances"),
    0,
    "Minimum number of instances, even without requests. 0 lets the service scale to zero."
  ),
  max: withDefault(whole(1, 1000, "number of instances"), 10, "Maximum number of instances."),
  concurrency: withDefault(
    whole(1, 1000, "concurrency"),
    80,
    "Target of concurrent requests per instance, for the autoscaler."
  ),
  maxConcurrency: withDefault(
    whole(0, 1000, "hard limit of concurrency"),
    0,
    "Hard limit of concurrent requests per instance; others wait. 0 means no limit. (Knative `containerConcurrency`.)"
  ),
  idle: withDefault(
    DurationBetween("6s", "1h", { wholeSeconds: true }),
    "60s",
    "How long an instance stays without requests, 6s to 1h: the autoscaler's stable window."
  )
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
).annotations({
  identifier: "Scale",
  documentation: "How many instances a service has.",
  ...typedAs("ScaleInput")
})
export type Scale = typeof Scale.Type

export { whole }
