import { Layer } from "effect"
import { Readiness } from "./readiness/Readiness.ts"
import * as Usage from "./usage/PostgresUsage.ts"
import * as UsageRecorder from "./usage/UsageRecorder.ts"

/** What the API tells besides deployments and services. Needs the database and a `Runtime`. */
export const surfaceLayer = Layer.mergeAll(Readiness.layer, Usage.layer, UsageRecorder.layer())
