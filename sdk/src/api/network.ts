import { AppName, StageName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { openEnum } from "./openEnum.ts"

/** One probe: from a pod with a service's network identity, to a target by one route. */
export const NetworkProbe = Schema.Struct({
  /** The calling service. */
  from: Schema.String,
  /**
   * A service (`api`), `another organization`, `another organization's revision`, `activator`, `autoscaler`, `API server`, `node`,
   * `cloud metadata`, `internet`, `DNS`.
   */
  to: Schema.String,
  /**
   * `url`: by its cluster name; `host`: by its name at the internal gateway; `activator`: by its name at Knative's activator; `pod`: directly to
   * an instance; `address`: by IP.
   */
  by: openEnum("url", "host", "activator", "pod", "address"),
  expected: openEnum("allowed", "denied"),
  actual: openEnum("allowed", "denied", "unknown"),
  /** The observed result: `HTTP 200`, `HTTP 403`, `no connection within 2 s`. */
  detail: Schema.String
}).annotations({ identifier: "NetworkProbe" })
export interface NetworkProbe extends Schema.Schema.Type<typeof NetworkProbe> {}

/** Connections that the network allows, compared with the config. `differences` are the probes with an `actual` that isn't `expected`. */
export const NetworkReport = Schema.Struct({
  app: AppName,
  stage: StageName,
  probes: Schema.Array(NetworkProbe),
  differences: Schema.Int
}).annotations({ identifier: "NetworkReport" })
export interface NetworkReport extends Schema.Schema.Type<typeof NetworkReport> {}
