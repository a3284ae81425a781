import { MaxCloud } from "@maxcloud/sdk/effect"
import { embedded } from "@maxcloud/server"
import { Console, Effect, Layer } from "effect"

/** A separate server that lives as long as the layer. */
const MaxCloudTest = Layer.unwrapScoped(
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => embedded()),
      (cloud) => Effect.promise(() => cloud.close())
    ),
    ({ token, url }) => MaxCloud.layer({ apiUrl: url, token })
  )
)

const program = Effect.gen(function* () {
  const cloud = yield* MaxCloud
  const { organization, runtime } = yield* cloud.info
  yield* Console.log(`${organization} on ${runtime}: ${(yield* cloud.services.list({ app: "shop" })).length} services`)
})

await Effect.runPromise(Effect.provide(program, MaxCloudTest))
