import { Effect, Layer, Option } from "effect"
import { RegistryCredentials } from "./images/RegistryCredentials.ts"
import * as Usage from "./usage/PostgresUsage.ts"
import * as UsageRecorder from "./usage/UsageRecorder.ts"

/** Replaced by the sealed ones. */
const noCredentials = Layer.succeed(RegistryCredentials, {
  set: () => Effect.dieMessage("registries are not kept yet"),
  list: () => Effect.succeed([]),
  remove: () => Effect.succeed(false),
  reveal: () => Effect.succeed(Option.none())
})

/** What the API tells besides deployments and services. Needs the database and a `Runtime`. */
export const surfaceLayer = Layer.mergeAll(Usage.layer, UsageRecorder.layer(), noCredentials)
