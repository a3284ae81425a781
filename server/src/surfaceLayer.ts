import { Layer } from "effect"
import * as Usage from "./usage/PostgresUsage.ts"
import * as UsageRecorder from "./usage/UsageRecorder.ts"

/** What the API tells besides deployments and services. Needs the database and a `Runtime`. */
export const surfaceLayer = Layer.mergeAll(Usage.layer, UsageRecorder.layer())
