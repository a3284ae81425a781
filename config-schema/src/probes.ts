import { Schema } from "effect"
import { bounds, quoted, textUpTo } from "./bounds.ts"
import { optional, typedAs, withDefault } from "./field.ts"
import { DurationBetween } from "./quantities.ts"
import { whole } from "./scale.ts"

const wholeSeconds = { wholeSeconds: true }

/** Kubernetes `livenessProbe` and the like. The port is always the service's. */
export const Probe = Schema.Struct({
  path: optional(
    textUpTo(bounds.probePathLength, "The path")
      .pipe(
        Schema.filter(
          (value) => (/^\/[^\s]*$/.test(value) ? true : `${quoted(value)} isn't a valid path. Start it with "/".`),
          {
            jsonSchema: { pattern: "^/\\S*$", maxLength: bounds.probePathLength },
            arbitrary: () => (fc) => fc.constantFrom("/", "/healthz", "/ready?full=1")
          }
        )
      )
      .annotations(typedAs(`\`/\${string}\``)),
    "Path of an HTTP GET, such as `/healthz`.",
    { default: "a TCP connection" }
  ),
  initialDelay: withDefault(DurationBetween("0s", "1h", wholeSeconds), "0s", "Delay before the first check."),
  period: withDefault(DurationBetween("1s", "1h", wholeSeconds), "10s", "Time between two checks."),
  timeout: withDefault(DurationBetween("1s", "1h", wholeSeconds), "1s", "Timeout of one check."),
  failureThreshold: withDefault(
    whole(1, 100, "number of failures"),
    3,
    "Consecutive failures until the instance counts as failed."
  )
}).annotations({
  identifier: "Probe",
  documentation:
    "A check of an instance: an HTTP GET of `path`, which must return a status from 200 to 399, or a TCP connection.",
  ...typedAs("ProbeInput")
})
export type Probe = typeof Probe.Type

/** `startup`: the others wait until it succeeds; `readiness`: no requests unless it succeeds; `liveness`: restart when it fails. */
export const Probes = Schema.Struct({
  startup: optional(Probe, "The other probes wait until it succeeds."),
  readiness: optional(Probe, "The instance gets requests only while it succeeds.", {
    default: "a TCP connection to the port"
  }),
  liveness: optional(Probe, "The instance is restarted when it fails.", {
    default: "any answer within 10 seconds; on Kubernetes a TCP connection"
  })
}).annotations({ identifier: "Probes", ...typedAs("ProbesInput") })
export type Probes = typeof Probes.Type
