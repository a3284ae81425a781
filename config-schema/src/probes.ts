import { Schema } from "effect"
import { bounds, quoted, textUpTo } from "./bounds.ts"
import { DurationBetween } from "./quantities.ts"
import { whole } from "./scale.ts"

const second = DurationBetween("1s", "1h").to.make

/**
 * A check of an instance. With `path`: an HTTP GET that must answer 200 to 399; without: the port must accept a TCP connection.
 * (Kubernetes `livenessProbe` and its like; the port is always the service's own.)
 */
export const Probe = Schema.Struct({
  /** Path of an HTTP GET, such as `/healthz`. @default a TCP connection */
  path: Schema.optional(
    textUpTo(bounds.probePathLength, "The path").pipe(
      Schema.filter((_) => (/^\/[^\s]*$/.test(_) ? true : `${quoted(_)} isn't a valid path. Start it with "/".`), {
        jsonSchema: { pattern: "^/\\S*$", maxLength: bounds.probePathLength },
        arbitrary: () => (fc) => fc.constantFrom("/", "/healthz", "/ready?full=1")
      })
    )
  ),
  /** Time before the first check. @default "0s" */
  initialDelay: Schema.optionalWith(DurationBetween("0s", "1h", { wholeSeconds: true }), { default: () => second(0) }),
  /** Time between two checks. @default "10s" */
  period: Schema.optionalWith(DurationBetween("1s", "1h", { wholeSeconds: true }), { default: () => second(10_000) }),
  /** Time that one check may take. @default "1s" */
  timeout: Schema.optionalWith(DurationBetween("1s", "1h", { wholeSeconds: true }), { default: () => second(1000) }),
  /** Failures in a row until the instance counts as failed. @default 3 */
  failureThreshold: Schema.optionalWith(whole(1, 100, "number of failures"), { default: () => 3 })
}).annotations({ identifier: "Probe" })
export type Probe = typeof Probe.Type

/** `startup`: until it succeeds the others wait; `readiness`: gets requests only while it succeeds; `liveness`: restarted when it fails. */
export const Probes = Schema.Struct({
  /** Until it succeeds the others wait. */
  startup: Schema.optional(Probe),
  /** Gets requests only while it succeeds. @default a TCP connection to the port */
  readiness: Schema.optional(Probe),
  /** Is restarted when it fails. @default any answer within 10 seconds; on Kubernetes a TCP connection */
  liveness: Schema.optional(Probe)
}).annotations({ identifier: "Probes" })
export type Probes = typeof Probes.Type
