import { Layer } from "effect"
import * as ServiceEvents from "../control/serviceEvents/ServiceEvents.ts"
import * as Usage from "../control/usage/PostgresUsage.ts"
import * as UsageRecorder from "../control/usage/UsageRecorder.ts"
import { Readiness } from "../operator/readiness/Readiness.ts"

/** The parts of the API besides deployments and services. Needs the database and a `Runtime`. */
export const surfaceLayer = Layer.mergeAll(Readiness.layer, Usage.layer, UsageRecorder.layer(), ServiceEvents.layer())
