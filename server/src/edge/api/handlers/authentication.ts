import { Authentication } from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { currentCaller } from "./callerOf.ts"

/** The organization of the authenticated caller (see `gate.ts`). */
export const layer = Layer.succeed(
  Authentication,
  Authentication.of(Effect.map(currentCaller, ({ organization }) => organization))
)
