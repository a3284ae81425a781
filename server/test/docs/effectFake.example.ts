import { MaxCloud, makeMaxCloud } from "@maxcloud/sdk/effect"
import { Effect, Layer } from "effect"

const MaxCloudFake = Layer.effect(
  MaxCloud,
  Effect.map(makeMaxCloud({ apiUrl: "http://127.0.0.1:1" }), (cloud) => ({
    ...cloud,
    services: { ...cloud.services, list: Object.assign(() => Effect.succeed([]), cloud.services.list) }
  }))
)

const count = Effect.flatMap(MaxCloud, (cloud) => Effect.map(cloud.services.list(), (services) => services.length))
console.log(await Effect.runPromise(Effect.provide(count, MaxCloudFake)))
